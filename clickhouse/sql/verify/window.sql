-- Each row of a window as it is stored and as the latest versions say.
SELECT
    [{key_texts}] AS key,
    [{stored_sums}] AS stored,
    [{expected_sums}] AS expected
FROM
(
    SELECT {keys}, {stored}, {no_expected}
    FROM {window}
    WHERE ({shop:String} = '' OR shop_id = {shop:String}){period}
    UNION ALL
    SELECT {keys}, {no_stored}, {expected}
    FROM
    (
{select}
    )
)
GROUP BY {keys}
