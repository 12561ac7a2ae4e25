-- The latest name of a product by (microseconds of updatedAt, tie). A maximum may be taken again, so a
-- repeated batch changes nothing; a name whose order no longer stands is listed in product_names_gone.
CREATE TABLE IF NOT EXISTS product_names (
    shop_id LowCardinality(String),
    product_id String,
    latest SimpleAggregateFunction(max, Tuple(micros UInt64, tie UInt32, name String))
)
ENGINE = AggregatingMergeTree
ORDER BY (shop_id, product_id)
SETTINGS index_granularity = 1024
