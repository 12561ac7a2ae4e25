-- A recount writes an order again as it is, but for whether it counts: of rows of one version that of the greatest claim stands.
ALTER TABLE orders ADD COLUMN IF NOT EXISTS recount UInt64 COMMENT 'claim of the recount that wrote the row, 0 of an event' AFTER prior_placed_at
