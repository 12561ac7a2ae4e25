-- The last of the next orders of a shop that count otherwise than by `statuses`: as many as have at most `lines` lines and
-- refunds together, or one; '' where there is none. At most `orders` are looked at.
SELECT max(order_id) AS last
FROM
(
    SELECT order_id, sum(size) OVER later AS lines, row_number() OVER later AS number
    FROM
    (
        SELECT order_id, length(`items.product_id`) + length(`refunds.id`) AS size
        FROM orders FINAL
        WHERE shop_key = {{shop_key|{shop:String}}} AND shop_id = {shop:String}
            AND counted != has({statuses:Array(String)}, status)
        ORDER BY order_id
        LIMIT {orders:UInt32}
    )
    WINDOW later AS (ORDER BY order_id ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
)
WHERE lines <= {lines:UInt64} OR number = 1
