-- How far the reports are, by partition; the API reads it when it starts.
CREATE TABLE IF NOT EXISTS progress (
    topic LowCardinality(String),
    partition UInt32,
    epoch UInt32,
    next UInt64,
    as_of DateTime64(6, 'UTC'),
    at DateTime64(6, 'UTC')
)
ENGINE = ReplacingMergeTree(at)
ORDER BY (topic, partition)
