-- Alerts as they were published; one that is published again after a crash is read from here.
CREATE TABLE IF NOT EXISTS alerts (
    shop_id LowCardinality(String),
    id String,
    low Bool COMMENT 'stock:low, or else stock:recovered',
    product_id String,
    location_id String,
    name Nullable(String),
    sku Nullable(String),
    quantity Int64,
    threshold UInt32,
    on_order Int64,
    daily_sales Decimal(18, 2),
    days_of_cover Nullable(Decimal(18, 1)),
    at DateTime64(6, 'UTC') COMMENT 'updatedAt of the event that crossed',
    batch UInt64
)
ENGINE = ReplacingMergeTree
ORDER BY (shop_id, id)
SETTINGS index_granularity = 256
