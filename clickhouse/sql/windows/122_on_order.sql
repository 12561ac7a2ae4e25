-- Units in purchases that were created and not received.
CREATE TABLE IF NOT EXISTS on_order (
    shop_id LowCardinality(String),
    product_id String,
    units Int64
)
ENGINE = SummingMergeTree
ORDER BY (shop_id, product_id)
SETTINGS index_granularity = 1024, non_replicated_deduplication_window = 20000
