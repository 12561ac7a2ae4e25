-- Batches that may have been in flight since an instant, of those that began after another: keys that they change cannot be
-- judged.
SELECT batch
FROM batches
WHERE batch > {since_number:UInt64}
GROUP BY batch
HAVING max(applied) = 0 OR maxIf(at, applied) >= parseDateTime64BestEffort({since:String}, 3, 'UTC')
SETTINGS optimize_aggregation_in_order = 1
