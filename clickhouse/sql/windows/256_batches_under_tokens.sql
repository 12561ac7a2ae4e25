-- Batches that versions before commit markers began and did not mark: windows may have them under a deduplication token, without
-- a marker.
CREATE OR REPLACE TABLE batches_under_tokens
ENGINE = MergeTree
ORDER BY batch
AS
SELECT batch
FROM batches
GROUP BY batch
HAVING max(applied) = 0
