-- By the local date of the shop.
CREATE TABLE IF NOT EXISTS sales_day (
    shop_id LowCardinality(String),
    day Date,
    currency LowCardinality(String),
    orders Int64,
    revenue Decimal(38, 4),
    items Int64
)
ENGINE = SummingMergeTree
ORDER BY (shop_id, day, currency)
SETTINGS index_granularity = 1024, non_replicated_deduplication_window = 20000
