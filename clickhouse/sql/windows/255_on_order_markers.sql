-- Commit markers (flush/apply.sql) are rows of no shop with the id of their batch; all others have 0.
ALTER TABLE on_order
    ADD COLUMN IF NOT EXISTS batch UInt64,
    MODIFY ORDER BY (shop_id, product_id, batch)
