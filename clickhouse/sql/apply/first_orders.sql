-- The orders of a batch: of each shop the engine keeps the earliest. `age` is the version upside down: of one order
-- the latest is the least.
INSERT INTO first_orders
SELECT
    shop_id,
    CAST((created_at, order_id, bitNot(version), currency), 'Tuple(created_at DateTime64(6, \'UTC\'), order_id String, age UInt128, currency String)')
FROM orders
PREWHERE batch = {batch:UInt64}
