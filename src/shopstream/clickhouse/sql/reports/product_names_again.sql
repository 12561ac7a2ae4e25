-- Names recomputed from the orders as they now stand: rare, so it may read much. An order that names a
-- product in any version is looked at in its latest one.
WITH
    touched AS
    (
        SELECT created_at, order_key
        FROM orders
        WHERE shop_key = reinterpretAsUInt64(substring(SHA256({shop:String}), 1, 8)) AND shop_id = {shop:String}
            AND hasAny(`items.product_id`, {products:Array(String)})
    )
SELECT
    line.1 AS product_id,
    argMax(line.2, place) AS name
FROM
(
    SELECT
        (bitShiftRight(version, 64), bitAnd(version, 4294967295)) AS place,
        arrayJoin(arrayFilter(p -> p IN {products:Array(String)}, arrayDistinct(`items.product_id`))) AS product,
        (product, arrayLast((name, p) -> p = product AND name IS NOT NULL, `items.name`, `items.product_id`)) AS line
    FROM
    (
        SELECT created_at, order_key, version, `items.product_id`, `items.name`
        FROM orders
        WHERE shop_key = reinterpretAsUInt64(substring(SHA256({shop:String}), 1, 8)) AND shop_id = {shop:String}
            AND (created_at, order_key) IN (SELECT created_at, order_key FROM touched)
        ORDER BY created_at, order_key, version DESC
        LIMIT 1 BY created_at, order_key
    )
)
WHERE line.2 IS NOT NULL
GROUP BY product_id
