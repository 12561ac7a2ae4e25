-- How far each time zone is ahead of UTC, and since when: what the views turn instants into local dates with.
-- Filled by `migrate` from the same tzdata that the reports use, so the two agree on every date.
-- One partition, replaced as a whole.
CREATE TABLE IF NOT EXISTS zone_offsets (
    zone LowCardinality(String),
    since DateTime('UTC') COMMENT 'the first is 1999, before the first order',
    seconds Int32 COMMENT 'ahead of UTC, below 0 west of it',
    tzdata LowCardinality(String) COMMENT 'digest of the files that all rows were made from'
)
ENGINE = MergeTree
ORDER BY (zone, since)
SETTINGS index_granularity = 512
