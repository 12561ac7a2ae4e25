-- Step 2: what of the staged events is newer than what is stored. A statement that was cut off may
-- be repeated: what it wrote is no longer newer. Nothing goes in where another worker has claimed one of
-- the partitions.
INSERT INTO {table}
SELECT *
FROM
(
{select}
)
WHERE {{fence}}
