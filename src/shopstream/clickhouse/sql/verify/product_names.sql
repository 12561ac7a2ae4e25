-- The latest name of each product as the reports take it, and as the orders that now stand say. A stored
-- name that is gone is no difference: the reports then look at the orders themselves.
SELECT
    [shop_id, product_id] AS key,
    [if(any(is_gone), any(truth_name), any(stored_name))] AS stored,
    [any(truth_name)] AS truth
FROM
(
    SELECT
        shop_id,
        product_id,
        if(best.micros = 0, '', best.name) AS stored_name,
        best.micros > 0 AND (best.micros, best.tie) = (out.micros, out.tie) AS is_gone
    FROM
    (
        SELECT shop_id, product_id, max(latest) AS best, max(gone) AS out
        FROM product_names
        WHERE {shop:String} = '' OR shop_id = {shop:String}
        GROUP BY shop_id, product_id
    )
) AS known
FULL JOIN
(
    SELECT shop_id, product_id, argMax(name, (at, line)) AS truth_name
    FROM
    (
        SELECT
            shop_id,
            (toUInt64(bitShiftRight(version, 64)), toUInt32(bitAnd(version, 4294967295))) AS at,
            p AS product_id,
            name,
            line
        FROM orders FINAL
        ARRAY JOIN `items.product_id` AS p, `items.name` AS name, arrayEnumerate(`items.name`) AS line
        WHERE name IS NOT NULL AND ({shop:String} = '' OR shop_id = {shop:String})
    )
    GROUP BY shop_id, product_id
) AS orders_say USING (shop_id, product_id)
GROUP BY shop_id, product_id
