-- Step 2: what of the staged events is newer than what is stored. A statement that was cut off may
-- be repeated: what it wrote is no longer newer. Nothing goes in where another worker has claimed one of
-- the partitions.
INSERT INTO {table}
SELECT *
FROM
(
{select}
)
WHERE (
    SELECT count()
    FROM present_owners
    WHERE (topic, partition, claim) IN
        (SELECT arrayJoin(arrayZip({topics:Array(String)}, {partitions:Array(UInt32)}, {claims:Array(UInt64)})))
) = length({claims:Array(UInt64)})
