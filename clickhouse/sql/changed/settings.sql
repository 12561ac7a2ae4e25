-- Another time zone or currency changes every date on which the shop has sold anything. Which these are in its time zone, the
-- first and the last bucket of each day (UTC) say: all buckets of many shops would be more than the engine gives, or joins.
WITH changed AS
(
    SELECT DISTINCT shop_id
    FROM shops
    PREWHERE batch BETWEEN {first:UInt64} AND {last:UInt64}
    WHERE (timezone, currency) != (prior_timezone, prior_currency)
)
SELECT shop_id, groupUniqArrayArray(ends) AS slots
FROM
(
    SELECT shop_id, emptyArrayUInt32() AS ends
    FROM changed
    UNION ALL
    SELECT shop_id, [toUnixTimestamp(min(start)), toUnixTimestamp(max(start))] AS ends
    FROM order_windows
    WHERE grain IN ('sales_15m', 'returned_15m', 'refunds_15m') AND shop_id IN (SELECT shop_id FROM changed)
    GROUP BY shop_id, toDate(start)
)
GROUP BY shop_id
