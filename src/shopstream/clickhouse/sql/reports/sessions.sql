-- Sessions of a period: of each of its local days, which begin at the marks (Unix seconds, rising), those that were
-- not seen before on that day (see sessions_15m).
SELECT sum(visits) AS sessions
FROM sessions_15m
WHERE shop_id = {shop:String} AND slot >= toDateTime({start:UInt32}, 'UTC') AND slot < toDateTime({end:UInt32}, 'UTC')
    AND gap * 900 > toUnixTimestamp(slot) - roundDown(toUnixTimestamp(slot), {marks:Array(UInt32)})
