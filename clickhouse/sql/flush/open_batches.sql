-- Batches of the last 30 days that began and are not marked as applied, with any of these partitions.
SELECT batch, any(arrayZip(`parts.topic`, `parts.partition`)) AS parts
FROM batches
WHERE batch IN {{open|{since:UInt64}}}
GROUP BY batch
HAVING hasAny(parts, arrayZip({topics:Array(String)}, {partitions:Array(UInt32)}))
ORDER BY batch
SETTINGS optimize_aggregation_in_order = 1
