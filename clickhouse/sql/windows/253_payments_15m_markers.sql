-- Commit markers (flush/apply.sql) are rows of no shop with the id of their batch; all others have 0.
ALTER TABLE payments_15m
    ADD COLUMN IF NOT EXISTS batch UInt64,
    MODIFY ORDER BY (shop_id, slot, currency, batch)
