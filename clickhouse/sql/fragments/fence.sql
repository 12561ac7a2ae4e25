-- Whether the claims of this worker are still the greatest: nothing is written once another has claimed a partition.
(
    SELECT count()
    FROM
    (
        SELECT topic
        FROM owners
        WHERE topic IN {topics:Array(String)}
        GROUP BY topic, partition
        HAVING has(arrayZip({topics:Array(String)}, {partitions:Array(UInt32)}, {claims:Array(UInt64)}), (topic, partition, max(claim)))
    )
) = length({claims:Array(UInt64)})
