INSERT INTO first_orders
SELECT
    shop_id,
    min(CAST((created_at, order_id, bitNot(version), currency), 'Tuple(created_at DateTime64(6, \'UTC\'), order_id String, age UInt128, currency String)'))
FROM orders
WHERE shop_id IN {shops:Array(String)}
GROUP BY shop_id
