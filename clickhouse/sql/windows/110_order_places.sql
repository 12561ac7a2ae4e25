-- Where an order is: createdAt never changes, and an event that gives another one is refused.
-- Looked up at random for each order of a batch, hence the small granules and nothing but the keys.
CREATE TABLE IF NOT EXISTS order_places (
    shop_key UInt64,
    order_key UInt64,
    created_at DateTime64(6, 'UTC')
)
ENGINE = ReplacingMergeTree
ORDER BY (shop_key, order_key)
SETTINGS index_granularity = 128
