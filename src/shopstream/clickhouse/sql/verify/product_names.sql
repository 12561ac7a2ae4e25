-- The latest name of each product as the reports take it, and as the orders that now stand say. A stored
-- name that is gone is no difference: the reports then look at the orders themselves.
SELECT
    [shop_id, product_id] AS key,
    [argMaxIf(name, latest, NOT real)] AS stored,
    [argMaxIf(name, latest, real)] AS truth
FROM
(
    SELECT shop_id, product_id, best.name AS name, (best.micros, best.tie) AS latest, false AS real
    FROM
    (
        SELECT shop_id, product_id, max(latest) AS best
        FROM product_names
        WHERE {shop:String} = '' OR shop_id = {shop:String}
        GROUP BY shop_id, product_id
    )
    WHERE (shop_id, product_id, best.micros, best.tie) NOT IN
        (SELECT shop_id, product_id, micros, tie FROM product_names_gone)
    UNION ALL
    SELECT shop_id, product_id, argMax(name, at), max(at), true
    FROM
    (
        SELECT
            shop_id,
            arrayJoin(arrayDistinct(`items.product_id`)) AS product_id,
            arrayLast((n, p) -> p = product_id AND n IS NOT NULL, `items.name`, `items.product_id`) AS name,
            (toUInt64(bitShiftRight(version, 64)), toUInt32(bitAnd(version, 4294967295))) AS at
        FROM orders FINAL
        WHERE {shop:String} = '' OR shop_id = {shop:String}
    )
    WHERE name IS NOT NULL
        AND (shop_id, product_id) NOT IN
        (
            SELECT shop_id, product_id
            FROM (SELECT shop_id, product_id, max(latest) AS best FROM product_names GROUP BY shop_id, product_id)
            WHERE (shop_id, product_id, best.micros, best.tie) IN
                (SELECT shop_id, product_id, micros, tie FROM product_names_gone)
        )
    GROUP BY shop_id, product_id
)
GROUP BY shop_id, product_id
