-- Whether the claims of this worker are still the greatest: nothing is written once another has claimed a partition.
(
    SELECT count()
    FROM present_owners
    WHERE (topic, partition, claim) IN
        (SELECT arrayJoin(arrayZip({topics:Array(String)}, {partitions:Array(UInt32)}, {claims:Array(UInt64)})))
) = length({claims:Array(UInt64)})
