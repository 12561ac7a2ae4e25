-- Quarters of an hour in which a session was not seen yet, and what they change: each of its quarters is
-- counted by the quarters since the one before it (200 for 50 hours or more, or none), so a new one
-- between two others also changes the later one. Only 50 hours around the new ones can change.
SELECT
    shop_key,
    session_key,
    shop_id,
    session_id,
    fresh AS slots,
    arrayMap(c -> toDateTime(c.1, 'UTC'), change) AS `changes.slot`,
    arrayMap(c -> toUInt8(c.2), change) AS `changes.gap`,
    arrayMap(c -> c.3, change) AS `changes.visits`,
    {batch:UInt64} AS batch
FROM
(
    SELECT
        *,
        arrayFilter(s -> NOT has(seen, s), wanted) AS fresh,
        arraySort(arrayFilter(s -> s >= fresh[1] - 180000 AND s <= fresh[-1] + 180000, seen)) AS before,
        arraySort(arrayConcat(before, fresh)) AS after,
        arrayMap((s, i) -> (s, if(i = 1, 200, least(200, intDiv(s - before[i - 1], 900)))), before, arrayEnumerate(before)) AS old,
        arrayMap((s, i) -> (s, if(i = 1, 200, least(200, intDiv(s - after[i - 1], 900)))), after, arrayEnumerate(after)) AS new,
        arrayConcat(
            arrayMap(p -> (p.1, p.2, toInt64(1)), arrayFilter(p -> NOT has(old, p), new)),
            arrayMap(p -> (p.1, p.2, toInt64(-1)), arrayFilter(p -> NOT has(new, p), old))
        ) AS change
    FROM
    (
        SELECT
            {{shop_key|shop_id}} AS shop_key,
            cityHash64(session_id) AS session_key,
            shop_id,
            session_id,
            arraySort(groupUniqArray(toInt64(toUnixTimestamp(toStartOfFifteenMinutes(at))))) AS wanted
        FROM staged
        GROUP BY shop_id, session_id
    ) AS given
    LEFT ANY JOIN
    (
        SELECT shop_key, session_key, arrayMap(s -> toInt64(toUnixTimestamp(s)), arrayDistinct(arrayFlatten(groupArray(slots)))) AS seen
        FROM visits
        WHERE (shop_key, session_key) IN
            (SELECT {{shop_key|shop_id}}, cityHash64(session_id) FROM staged)
        GROUP BY shop_key, session_key
    ) AS known USING (shop_key, session_key)
)
WHERE notEmpty(fresh)
