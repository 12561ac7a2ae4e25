-- UTC months: a long period reads months, some days and quarters of an hour at its ends.
CREATE TABLE IF NOT EXISTS product_month (
    shop_id LowCardinality(String),
    month Date,
    currency LowCardinality(String),
    product_id String,
    quantity Int64,
    revenue Decimal(38, 4)
)
ENGINE = SummingMergeTree
ORDER BY (shop_id, month, currency, product_id)
SETTINGS index_granularity = 1024, non_replicated_deduplication_window = 20000
