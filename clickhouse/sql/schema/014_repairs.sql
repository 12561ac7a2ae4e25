-- What the audit found amiss and made good, for people to look into: in a healthy system it is empty.
CREATE TABLE IF NOT EXISTS repairs (
    at DateTime64(3, 'UTC') DEFAULT now64(3),
    window LowCardinality(String),
    key Array(String),
    stored Array(String),
    truth Array(String)
)
ENGINE = MergeTree
ORDER BY at
