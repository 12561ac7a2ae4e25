-- Rows that a comparison found, as key, stored and expected: how many, and the first of those that differ.
SELECT
    count() AS compared,
    groupArrayIf({limit})((key, stored, expected), stored != expected) AS differences
FROM
(
{select}
)
