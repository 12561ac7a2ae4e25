-- When everything was last compared with the versions, by the audit or by hand.
CREATE TABLE IF NOT EXISTS sweeps (
    at DateTime64(3, 'UTC') DEFAULT now64(3),
    compared UInt64,
    repaired UInt64
)
ENGINE = MergeTree
ORDER BY at
