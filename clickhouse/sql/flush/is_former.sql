-- Whether a version before commit markers began a batch and did not mark it.
SELECT count() > 0 AS former
FROM batches_under_tokens
WHERE batch = {batch:UInt64}
