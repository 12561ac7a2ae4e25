-- Who may write for a partition: the greatest claim. A worker that was frozen and wakes finds a greater
-- one, and none of its statements writes any more.
CREATE TABLE IF NOT EXISTS owners (
    topic LowCardinality(String),
    partition UInt32,
    claim UInt64
)
ENGINE = ReplacingMergeTree(claim)
ORDER BY (topic, partition)
