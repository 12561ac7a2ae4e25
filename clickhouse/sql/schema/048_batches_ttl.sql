-- Twice the 30 days for which a batch that is not applied is looked for (flush/open_batches.sql), and by the id of a batch, which has
-- the time of its begin: a mark goes only after nobody asks for its batch any more.
ALTER TABLE batches MODIFY TTL toDateTime(at) + INTERVAL 60 DAY
