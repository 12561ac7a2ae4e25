-- The latest name that any version of an order gave a product, by (microseconds of updatedAt, tie), and the
-- latest that was given by a version which no longer stands. Where the two are the same the name is gone.
-- Both are maxima: they may be taken again.
CREATE TABLE IF NOT EXISTS product_names (
    shop_id LowCardinality(String),
    product_id String,
    latest SimpleAggregateFunction(max, Tuple(micros UInt64, tie UInt32, line UInt16, name String)),
    gone SimpleAggregateFunction(max, Tuple(micros UInt64, tie UInt32))
)
ENGINE = AggregatingMergeTree
ORDER BY (shop_id, product_id)
SETTINGS index_granularity = 256, non_replicated_deduplication_window = 20000
