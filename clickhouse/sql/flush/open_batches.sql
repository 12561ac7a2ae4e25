-- Batches of the last 30 days that began and are not marked as applied, with any of these partitions.
SELECT batch, argMin(parts, applied) AS parts
FROM
(
    SELECT batch, applied, arrayZip(`parts.topic`, `parts.partition`) AS parts
    FROM batches
    WHERE batch > {since:UInt64}
)
GROUP BY batch
HAVING max(applied) = 0
    AND hasAny(parts, arrayZip({topics:Array(String)}, {partitions:Array(UInt32)}))
ORDER BY batch
