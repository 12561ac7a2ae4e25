-- The statuses under which the stored orders of a shop count, by the claim of the recount that made it so. A shop without a
-- row, or with an empty text, counts by default.
CREATE TABLE IF NOT EXISTS counted_statuses (
    shop_id LowCardinality(String),
    statuses String,
    claim UInt64
)
ENGINE = ReplacingMergeTree(claim)
ORDER BY shop_id
SETTINGS index_granularity = 256
