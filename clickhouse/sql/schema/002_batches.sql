-- A row when a batch begins and one when it is applied to every window. A batch with the first alone
-- is finished by the owner of its first partition before anything newer is written.
-- The number of a batch begins with its time, so the open ones are found at the end of the table.
CREATE TABLE IF NOT EXISTS batches (
    batch UInt64,
    applied Bool,
    at DateTime64(3, 'UTC'),
    writer String,
    parts Nested(
        topic LowCardinality(String),
        partition UInt32,
        epoch UInt32,
        first UInt64,
        next UInt64
    )
)
ENGINE = MergeTree
ORDER BY (batch, applied)
SETTINGS index_granularity = 1024
