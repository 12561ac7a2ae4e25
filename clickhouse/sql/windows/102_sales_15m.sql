-- UTC quarters of an hour: every time zone since 2000 has an offset that they divide.
CREATE TABLE IF NOT EXISTS sales_15m (
    shop_id LowCardinality(String),
    slot DateTime('UTC'),
    currency LowCardinality(String),
    orders Int64,
    revenue Decimal(38, 4),
    items Int64
)
ENGINE = SummingMergeTree
ORDER BY (shop_id, slot, currency)
SETTINGS index_granularity = 1024, non_replicated_deduplication_window = 20000
