-- The greatest claim of each of these partitions; a new one must be greater than all, whatever the clocks say.
SELECT claim
FROM present_owners
WHERE (topic, partition) IN (SELECT arrayJoin(arrayZip({topics:Array(String)}, {partitions:Array(UInt32)})))
