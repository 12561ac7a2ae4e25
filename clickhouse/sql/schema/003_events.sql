-- Accepted events as they came, for replay to subscribers and for audit; a chunk that is consumed again
-- collapses. Read by shop and place, so a reader never scans another shop.
CREATE TABLE IF NOT EXISTS events (
    shop_id LowCardinality(String),
    topic LowCardinality(String),
    epoch UInt32 COMMENT 'one incarnation of the topic',
    partition UInt32,
    offset UInt64,
    arrived DateTime64(3, 'UTC') COMMENT 'the timestamp that Kafka keeps',
    stored DateTime('UTC') DEFAULT now(),
    type LowCardinality(String),
    user_id Nullable(String),
    raw String CODEC(ZSTD(1))
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMMDD(stored)
ORDER BY (shop_id, topic, epoch, partition, offset)
TTL stored + INTERVAL 30 DAY
SETTINGS index_granularity = 512, ttl_only_drop_parts = 1
