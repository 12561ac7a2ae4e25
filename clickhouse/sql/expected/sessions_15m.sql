-- Of each session its quarters of an hour in their order; the first, and each that is 50 hours or more
-- behind the one before it, has the gap 200.
SELECT shop_id, seen.1 AS slot, seen.2 AS gap, toInt64(count()) AS visits
FROM
(
    SELECT
        shop_id,
        arraySort(groupUniqArrayArray(slots)) AS sorted,
        arrayJoin(arrayMap(
            (s, i) -> (s, toUInt8(if(i = 1, 200, least(200, intDiv(toUnixTimestamp(s) - toUnixTimestamp(sorted[i - 1]), 900))))),
            sorted,
            arrayEnumerate(sorted)
        )) AS seen
    FROM visits
    WHERE {{of_shop}}
    GROUP BY shop_id, session_id
)
WHERE slot >= toDateTime({since:UInt32}, 'UTC') AND slot < toDateTime({until:UInt32}, 'UTC')
GROUP BY shop_id, slot, gap
