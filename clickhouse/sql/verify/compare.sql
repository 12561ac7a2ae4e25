-- Rows that a comparison found, as key, stored and expected: how many, and of those that differ the first by their keys,
-- so that two comparisons list the same.
SELECT
    count() AS compared,
    groupArraySortedIf({limit})((key, stored, expected), stored != expected) AS differences
FROM
(
{select}
)
