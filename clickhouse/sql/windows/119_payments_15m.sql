-- UTC quarters of an hour of `at`.
CREATE TABLE IF NOT EXISTS payments_15m (
    shop_id LowCardinality(String),
    slot DateTime('UTC'),
    currency LowCardinality(String),
    received Int64,
    received_amount Decimal(38, 4),
    failed Int64,
    failed_amount Decimal(38, 4)
)
ENGINE = SummingMergeTree
ORDER BY (shop_id, slot, currency)
SETTINGS index_granularity = 1024, non_replicated_deduplication_window = 20000
