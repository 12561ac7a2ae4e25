-- Every version of a payment that was ever the latest, with what it superseded, as in `orders`.
CREATE TABLE IF NOT EXISTS payments (
    shop_key UInt64 DEFAULT reinterpretAsUInt64(substring(SHA256(shop_id), 1, 8)),
    payment_key UInt64 DEFAULT cityHash64(payment_id),
    shop_id LowCardinality(String),
    payment_id String,
    version UInt128 COMMENT 'microseconds of at and tie, as of orders',
    received Bool COMMENT 'or else failed',
    amount Decimal(18, 4),
    currency LowCardinality(String),
    at DateTime64(6, 'UTC'),
    order_id Nullable(String),
    method Nullable(String),
    reason Nullable(String),
    prior_version UInt128 COMMENT '0 for the first version',
    prior_received Bool,
    prior_amount Decimal(18, 4),
    prior_currency LowCardinality(String),
    prior_at DateTime64(6, 'UTC'),
    batch UInt64,
    INDEX by_batch batch TYPE minmax GRANULARITY 1
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (shop_key, payment_key)
SETTINGS index_granularity = 256,
    min_compress_block_size = 8192,
    max_compress_block_size = 16384
