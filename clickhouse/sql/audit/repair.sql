-- Adds what is missing; nothing where another auditor has taken over.
INSERT INTO {window} ({columns})
SELECT {columns}
FROM fixes
WHERE (
    SELECT count()
    FROM present_owners
    WHERE (topic, partition, claim) IN
        (SELECT arrayJoin(arrayZip({topics:Array(String)}, {partitions:Array(UInt32)}, {claims:Array(UInt64)})))
) = length({claims:Array(UInt64)})
