ALTER TABLE shops ADD COLUMN IF NOT EXISTS counted_statuses String COMMENT 'divided by commas, empty means all but cancelled, failed and refunded' AFTER status_map
