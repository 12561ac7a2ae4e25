-- `age` is the version upside down: of one order the latest is the least.
CREATE MATERIALIZED VIEW IF NOT EXISTS to_first_orders TO first_orders AS
SELECT
    shop_id,
    min(CAST((created_at, order_id, bitNot(version), currency), 'Tuple(created_at DateTime64(6, \'UTC\'), order_id String, age UInt128, currency String)')) AS first
FROM apply_orders
GROUP BY shop_id
