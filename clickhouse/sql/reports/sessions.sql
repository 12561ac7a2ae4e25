-- Sessions of local days, which begin at the marks (Unix seconds, rising): of each day those that were not seen
-- before on it (see sessions_15m). None of a day without any.
SELECT roundDown(toUnixTimestamp(slot), {marks:Array(UInt32)}) AS begin, sum(visits) AS sessions
FROM sessions_15m
WHERE shop_id = {shop:String} AND slot >= toDateTime({start:UInt32}, 'UTC') AND slot < toDateTime({end:UInt32}, 'UTC')
    AND gap * 900 > toUnixTimestamp(slot) - begin
GROUP BY begin
