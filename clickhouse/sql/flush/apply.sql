-- Step 3. Runs once for a batch; after a crash in its middle it is repeated under the same token, and each
-- window takes what it has not taken yet. Nothing goes in where the batch is marked as applied, or where
-- another worker has claimed one of the partitions.
-- The engine remembers a token with the number of blocks that were read for the insert, whatever block they are written
-- as; and how many there are depends on parts, merges and threads. So all rows are one array, hence one block, in every try.
INSERT INTO {target}
SELECT changed.*
FROM
(
    SELECT arrayJoin(groupArray(tuple(*))) AS changed
    FROM
    (
{changes}
    )
)
