-- Every version of an order that was ever the latest, each with what it superseded: what a version
-- changed in any number follows from its own row, also for a number that is invented later.
-- Sort keys are hashes: shorter to compare than text. That of the shop is cryptographic, since whoever can
-- choose a shop id must not reach another's orders; that of the order only meets others of its shop.
-- created_at never changes and keeps recent orders together, which is what updates look for.
CREATE TABLE IF NOT EXISTS orders (
    shop_key UInt64 DEFAULT reinterpretAsUInt64(substring(SHA256(shop_id), 1, 8)),
    order_key UInt64 DEFAULT cityHash64(order_id),
    shop_id LowCardinality(String),
    order_id String,
    created_at DateTime64(6, 'UTC'),
    version UInt128 COMMENT 'microseconds of updated_at, revision and tie in 64, 32 and 32 bits',
    status LowCardinality(String),
    counted Bool,
    currency LowCardinality(String),
    customer_id Nullable(String),
    total Decimal(18, 4),
    refund Decimal(18, 4),
    items Nested(
        product_id String,
        name Nullable(String),
        quantity UInt32,
        refunded UInt32,
        price Decimal(18, 4)
    ),
    prior_version UInt128 COMMENT '0 for the first version',
    prior_counted Bool,
    prior_currency LowCardinality(String),
    prior_total Decimal(18, 4),
    prior_refund Decimal(18, 4),
    prior_items Nested(
        product_id String,
        name Nullable(String),
        quantity UInt32,
        refunded UInt32,
        price Decimal(18, 4)
    ),
    batch UInt64,
    INDEX by_batch batch TYPE minmax GRANULARITY 1
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY toYYYYMM(created_at)
ORDER BY (shop_key, created_at, order_key)
SETTINGS index_granularity = 256,
    min_compress_block_size = 8192,
    max_compress_block_size = 16384
