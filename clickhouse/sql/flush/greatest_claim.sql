-- The greatest claim of these partitions; a new one must be greater, whatever the clocks say.
SELECT max(claim) AS claim
FROM present_owners
WHERE (topic, partition) IN (SELECT arrayJoin(arrayZip({topics:Array(String)}, {partitions:Array(UInt32)})))
