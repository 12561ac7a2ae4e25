-- The latest name of each product as the reports take it, and as the orders and levels that now stand say. A
-- stored name that is gone is no difference: the reports then look at the orders and levels themselves.
SELECT
    [shop_id, product_id] AS key,
    [if(any(is_gone), any(expected_name), any(stored_name))] AS stored,
    [any(expected_name)] AS expected
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
    SELECT shop_id, product_id, argMax(name, (place, line)) AS expected_name
    FROM
    (
        SELECT shop_id, (bitShiftRight(version, 64), bitAnd(version, 4294967295)) AS place, p AS product_id, assumeNotNull(n) AS name, toUInt16(line) AS line
        FROM orders FINAL
        ARRAY JOIN `items.product_id` AS p, `items.name` AS n, arrayEnumerate(`items.name`) AS line
        WHERE n IS NOT NULL
            AND {{of_shop}}
        UNION ALL
        SELECT shop_id, (bitShiftRight(version, 64), bitAnd(version, 4294967295)), product_id, assumeNotNull(name), toUInt16(1)
        FROM levels FINAL
        WHERE name IS NOT NULL AND ({shop:String} = '' OR shop_id = {shop:String})
    )
    GROUP BY shop_id, product_id
) AS computed USING (shop_id, product_id)
GROUP BY shop_id, product_id
