-- When an order counts as placed: the windows are made of it. Of rows from before these columns it is created_at, which
-- stays the key. An order that was moved elsewhere is rare, so statements about a period look for them by the index.
ALTER TABLE orders
    ADD COLUMN IF NOT EXISTS placed_at DateTime64(6, 'UTC') DEFAULT created_at AFTER tip,
    ADD COLUMN IF NOT EXISTS prior_placed_at DateTime64(6, 'UTC') DEFAULT created_at AFTER prior_tip,
    ADD INDEX IF NOT EXISTS by_moved (placed_at != created_at) TYPE set(2) GRANULARITY 1
