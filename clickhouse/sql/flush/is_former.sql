-- Whether a version before commit markers began a batch.
SELECT countIf(NOT markers) > 0 AS former
FROM batches
WHERE batch = {batch:UInt64} AND NOT applied
