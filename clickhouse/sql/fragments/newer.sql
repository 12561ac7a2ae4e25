-- Of each thing with an event in `arrived` (its keys $1, seq, instant, event) that is newer than its row in `stored` (keys,
-- `prior_*`): `seq` of the latest event, its `version` and `equals`, and what is stored. Of events at one instant the
-- one that arrived last is the latest; an event that comes again is not new.
SELECT
    *,
    arrayFilter(
        e -> e.1 > bitShiftRight(prior_version, 32)
            OR (e.1 = bitShiftRight(prior_version, 32) AND NOT {{known|prior_equals|e.3}}),
        newest
    ) AS fresh,
    fresh[-1].2 AS seq,
    {{next_version}} AS version,
    {{next_equals}} AS equals
FROM
(
    SELECT
        $1,
        arraySort(groupArray((instant, seq, event))) AS every,
        arrayFilter(e -> e.1 = every[-1].1, every) AS latest,
        arrayFilter((e, nth) -> nth = 1, latest, arrayEnumerateUniq(arrayMap(e -> e.3, latest))) AS newest
    FROM arrived
    GROUP BY $1
) AS new
LEFT ANY JOIN stored USING ($1)
WHERE notEmpty(fresh)
