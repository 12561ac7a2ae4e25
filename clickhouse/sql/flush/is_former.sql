-- Whether a version before a migration may have begun a batch. Its time is of a worker's clock: one that is not long after the
-- migration counts as before it, which is right for any batch, as its marker is looked for too.
SELECT count() > 0 AS former
FROM batches
WHERE batch = {batch:UInt64} AND NOT applied
    AND at < (SELECT max(at) FROM migrations WHERE number = {markers:UInt32}) + INTERVAL 1 HOUR
