-- The rows of a batch that may be applied now; see apply.sql.
{table}
PREWHERE batch = {batch:UInt64}
WHERE (SELECT count() FROM batches WHERE batch = {batch:UInt64} AND applied) = 0
    AND (SELECT count() FROM {window} WHERE {found}) = 0
    AND {{fence}}
LIMIT 1 BY {key}
