-- Suppliers as they now stand; nothing is counted from them.
CREATE TABLE IF NOT EXISTS suppliers (
    shop_id LowCardinality(String),
    supplier_id String,
    version UInt128 COMMENT 'microseconds of updated_at and tie, as of orders',
    name String,
    lead_time_days Nullable(UInt32),
    email Nullable(String),
    updated_at DateTime64(6, 'UTC'),
    batch UInt64
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (shop_id, supplier_id)
SETTINGS index_granularity = 256
