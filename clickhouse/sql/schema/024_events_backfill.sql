-- History that was imported: reports count it, and it is not replayed to subscribers.
ALTER TABLE events ADD COLUMN IF NOT EXISTS backfill Bool DEFAULT false AFTER user_id
