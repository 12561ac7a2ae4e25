-- Batches of orders, and of recounts, of the last 30 days that began and are not marked as applied.
SELECT batch
FROM batches
WHERE batch > {since:UInt64} AND hasAny(`parts.topic`, {topics:Array(String)})
    AND batch NOT IN (SELECT batch FROM batches WHERE batch > {since:UInt64} AND applied)
GROUP BY batch
ORDER BY batch
