-- Keys of a window that some batches change.
SELECT [{key_texts}] AS key
FROM
(
{changes}
)
