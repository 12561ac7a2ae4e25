-- The quarters of an hour in which a session was seen, those of one batch in one row: written whole or not at
-- all. `changes` is what the row changed in `sessions_15m`.
CREATE TABLE IF NOT EXISTS visits (
    shop_key UInt64 DEFAULT reinterpretAsUInt64(substring(SHA256(shop_id), 1, 8)),
    session_key UInt64 DEFAULT cityHash64(session_id),
    shop_id LowCardinality(String),
    session_id String,
    slots Array(DateTime('UTC')),
    changes Nested(
        slot DateTime('UTC'),
        gap UInt8,
        visits Int64
    ),
    batch UInt64,
    INDEX by_batch batch TYPE minmax GRANULARITY 1
)
ENGINE = MergeTree
ORDER BY (shop_key, session_key)
SETTINGS index_granularity = 256,
    min_compress_block_size = 8192,
    max_compress_block_size = 16384
