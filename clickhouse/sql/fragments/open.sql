-- Batches that began after one with the id $1 and are not marked as applied. Workers that never rest begin a million a day: grouped
-- in the order in which they lie (`optimize_aggregation_in_order`) they take no memory.
(SELECT batch FROM batches WHERE batch > $1 GROUP BY batch HAVING max(applied) = 0)
