-- What shops say of themselves. `prior_*` is what the version superseded: '' for the first.
CREATE TABLE IF NOT EXISTS shops (
    shop_id LowCardinality(String),
    version UInt128 COMMENT 'microseconds of updated_at and tie, as of orders',
    name String,
    timezone LowCardinality(String),
    currency LowCardinality(String),
    low_stock_threshold Nullable(UInt32),
    updated_at DateTime64(6, 'UTC'),
    prior_timezone LowCardinality(String),
    prior_currency LowCardinality(String),
    batch UInt64
)
ENGINE = ReplacingMergeTree(version)
ORDER BY shop_id
SETTINGS index_granularity = 256
