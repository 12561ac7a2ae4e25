-- The level of a product at a location ('' for none), each version with the crossings of the threshold that
-- were found when it was stored: a row is written whole or not at all, so no crossing is lost or told twice.
CREATE TABLE IF NOT EXISTS levels (
    shop_id LowCardinality(String),
    product_id String,
    location_id String,
    version UInt128 COMMENT 'microseconds of updated_at and tie, as of orders',
    quantity Int64,
    updated_at DateTime64(6, 'UTC'),
    name Nullable(String),
    sku Nullable(String),
    threshold Nullable(UInt32) COMMENT 'of the event itself',
    low Bool COMMENT 'at or below the threshold as that stood when the event arrived',
    prior_version UInt128 COMMENT '0 for the first version',
    prior_name Nullable(String),
    crossings Nested(
        id String,
        low Bool,
        quantity Int64,
        threshold UInt32,
        sku Nullable(String),
        at DateTime64(6, 'UTC')
    ),
    batch UInt64,
    INDEX by_batch batch TYPE minmax GRANULARITY 1
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (shop_id, product_id, location_id)
SETTINGS index_granularity = 256,
    min_compress_block_size = 8192,
    max_compress_block_size = 16384
