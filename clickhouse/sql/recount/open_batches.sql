-- Batches of orders, and of recounts, of the last 30 days that began and are not marked as applied.
SELECT DISTINCT batch
FROM batches
WHERE batch IN {{open|{since:UInt64}}} AND hasAny(`parts.topic`, {topics:Array(String)})
ORDER BY batch
SETTINGS optimize_aggregation_in_order = 1
