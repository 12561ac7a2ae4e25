-- Sessions by the quarter of an hour (UTC) in which they were seen and by the quarters since they were seen
-- before: `gap` is 200 where that is 50 hours or more ago, or never. A session is new in a local day where
-- it was not seen between the day's first instant and then, so one table serves every time zone:
-- sessions of a day that begins at `start` = sum of visits where gap * 900 > slot - start.
CREATE TABLE IF NOT EXISTS sessions_15m (
    shop_id LowCardinality(String),
    slot DateTime('UTC'),
    gap UInt8,
    visits Int64
)
ENGINE = SummingMergeTree
ORDER BY (shop_id, slot, gap)
SETTINGS index_granularity = 1024, non_replicated_deduplication_window = 20000
