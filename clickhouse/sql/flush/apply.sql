-- Step 3. Runs once for a batch; after a crash in its middle it is repeated under the same token, and each
-- window takes what it has not taken yet. Nothing goes in where the batch is marked as applied, or where
-- another worker has claimed one of the partitions.
INSERT INTO {target}
{changes}
