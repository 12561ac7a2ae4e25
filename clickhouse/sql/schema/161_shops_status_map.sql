ALTER TABLE shops ADD COLUMN IF NOT EXISTS status_map String COMMENT 'words for statuses, as JSON, empty without any' AFTER updated_at
