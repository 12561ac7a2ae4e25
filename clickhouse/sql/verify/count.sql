-- What a comparison of texts found, and how many rows it compared.
SELECT
    count() AS compared,
    groupArrayIf({limit})((key, stored, truth), stored != truth) AS differences
FROM
(
{select}
)
