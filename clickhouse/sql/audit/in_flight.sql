-- Batches of the last day that may have been under way since an instant: what they touch proves nothing.
SELECT batch
FROM batches
WHERE batch > {since_number:UInt64}
GROUP BY batch
HAVING max(applied) = 0 OR maxIf(at, applied) >= parseDateTime64BestEffort({since:String}, 3, 'UTC')
