-- The earliest order of a shop by (createdAt, orderId), in its latest version: it decides the currency of
-- the reports until the shop says otherwise. A minimum may be taken again.
CREATE TABLE IF NOT EXISTS first_orders (
    shop_id LowCardinality(String),
    first SimpleAggregateFunction(min, Tuple(created_at DateTime64(6, 'UTC'), order_id String, age UInt128, currency String))
)
ENGINE = AggregatingMergeTree
ORDER BY shop_id
SETTINGS index_granularity = 1024
