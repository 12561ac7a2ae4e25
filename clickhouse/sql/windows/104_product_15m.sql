-- UTC quarters of an hour: the ends of a local day or month, which the coarser windows cannot give.
CREATE TABLE IF NOT EXISTS product_15m (
    shop_id LowCardinality(String),
    slot DateTime('UTC'),
    currency LowCardinality(String),
    product_id String,
    quantity Int64,
    revenue Decimal(38, 4)
)
ENGINE = SummingMergeTree
ORDER BY (shop_id, slot, currency, product_id)
SETTINGS index_granularity = 1024, non_replicated_deduplication_window = 20000
