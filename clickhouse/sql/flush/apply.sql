-- Step 3. What a batch changes in a window goes in with a row that says so, its commit marker, as one array, hence one
-- block and one part of the table: both are there, or neither, wherever the engine is killed. So a repeat after a crash, or after
-- a failure of which nobody knows whether it wrote, looks for the marker first (batch_rows.sql). A batch that changes nothing has
-- none. Nothing goes in where the batch is marked as applied, or where another worker has claimed one of the partitions.
INSERT INTO {target}
SELECT change.*
FROM
(
    SELECT arrayJoin(arrayConcat(groupArray(tuple(*)) AS changes, if(empty(changes), [], {markers}))) AS change
    FROM
    (
{changes}
    )
)
