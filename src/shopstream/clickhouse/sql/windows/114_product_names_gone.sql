-- Names that were given by a version which no longer stands, where the version after it gives none or
-- one that sorts before: a set that only grows.
CREATE TABLE IF NOT EXISTS product_names_gone (
    shop_id LowCardinality(String),
    product_id String,
    micros UInt64,
    tie UInt32
)
ENGINE = ReplacingMergeTree
ORDER BY (shop_id, product_id, micros, tie)
SETTINGS index_granularity = 1024
