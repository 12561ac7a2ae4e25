-- Names of some products, recomputed from the orders and the levels as they now stand: rare, so it may
-- read much. An order that names a product in any version is looked at in its latest one.
WITH
    touched AS
    (
        SELECT created_at, order_key
        FROM orders
        WHERE shop_key = reinterpretAsUInt64(substring(SHA256({shop:String}), 1, 8)) AND shop_id = {shop:String}
            AND hasAny(`items.product_id`, {products:Array(String)})
    )
SELECT product_id, argMax(given_name, place) AS name
FROM
(
    SELECT
        (toUInt64(bitShiftRight(version, 64)), toUInt32(bitAnd(version, 4294967295))) AS place,
        arrayJoin(arrayFilter(
            p -> has({products:Array(String)}, p),
            arrayDistinct(`items.product_id`))) AS product_id,
        arrayLast((name, p) -> p = product_id AND name IS NOT NULL, `items.name`, `items.product_id`) AS given_name
    FROM
    (
        SELECT created_at, order_key, version, `items.product_id`, `items.name`
        FROM orders
        WHERE shop_key = reinterpretAsUInt64(substring(SHA256({shop:String}), 1, 8)) AND shop_id = {shop:String}
            AND (created_at, order_key) IN (SELECT created_at, order_key FROM touched)
        ORDER BY created_at, order_key, version DESC
        LIMIT 1 BY created_at, order_key
    )
    UNION ALL
    SELECT
        (toUInt64(bitShiftRight(version, 64)), toUInt32(bitAnd(version, 4294967295))) AS place,
        product_id,
        name
    FROM
    (
        SELECT product_id, location_id, version, name
        FROM levels
        WHERE shop_id = {shop:String} AND product_id IN {products:Array(String)}
        ORDER BY product_id, location_id, version DESC
        LIMIT 1 BY product_id, location_id
    )
)
WHERE given_name IS NOT NULL
GROUP BY product_id
