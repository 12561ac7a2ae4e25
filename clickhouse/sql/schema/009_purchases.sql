-- That a purchase was created and that it was received are two facts, a row each: whichever comes first, and
-- from whichever worker, neither overwrites the other. Of two creations the earlier stands, hence `age`.
-- `changes` is what a row changed in the units on order. Not partitioned: both rows of a batch are one part.
CREATE TABLE IF NOT EXISTS purchases (
    shop_key UInt64 DEFAULT reinterpretAsUInt64(substring(SHA256(shop_id), 1, 8)),
    purchase_key UInt64 DEFAULT cityHash64(purchase_id),
    received Bool COMMENT 'or else created',
    shop_id LowCardinality(String),
    purchase_id String,
    age UInt128 COMMENT 'microseconds of at and tie, upside down: the earliest is the greatest',
    supplier_id String,
    at DateTime64(6, 'UTC'),
    expected_at Nullable(DateTime64(6, 'UTC')),
    items Nested(
        product_id String,
        quantity UInt32,
        cost Decimal(18, 4)
    ),
    changes Nested(
        product_id String,
        units Int64
    ),
    batch UInt64,
    INDEX by_batch batch TYPE minmax GRANULARITY 1
)
ENGINE = ReplacingMergeTree(age)
ORDER BY (shop_key, purchase_key, received)
SETTINGS index_granularity = 256,
    min_compress_block_size = 8192,
    max_compress_block_size = 16384
