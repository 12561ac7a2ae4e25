-- The same as batch_rows.sql in the try that stored them: nobody marks a batch as applied whose fence holds, and its rows were
-- written once.
{table}
PREWHERE batch = {batch:UInt64}
WHERE {{fence}}
