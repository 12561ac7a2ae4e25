-- Each row of a window as it is stored and as the latest versions say, and how many rows that are.
SELECT
    count() AS compared,
    groupArrayIf({limit})((key, stored, truth), stored != truth) AS differences
FROM
(
    SELECT
        [{key_texts}] AS key,
        [{stored_sums}] AS stored,
        [{truth_sums}] AS truth
    FROM
    (
        SELECT {keys}, {stored}, {no_truth}
        FROM {window}
        WHERE ({shop:String} = '' OR shop_id = {shop:String}){period}
        UNION ALL
        SELECT {keys}, {no_stored}, {truth}
        FROM
        (
{select}
        )
    )
    GROUP BY {keys}
)
