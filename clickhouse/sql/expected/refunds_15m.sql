-- At the time of each refund; what they leave has the time of the order.
SELECT shop_id, part.1 AS slot, toString(currency) AS currency, toInt64(count()) AS orders, sum(part.2) AS revenue
FROM
(
    SELECT
        shop_id,
        currency,
        toDecimal128(if(counted, refund, total), 4) - arraySum(`refunds.amount`) AS rest,
        arrayJoin(arrayConcat(
            arrayMap((t, a) -> (toStartOfFifteenMinutes(t), toDecimal128(a, 4)), `refunds.at`, `refunds.amount`),
            if(rest = 0, [], [(toStartOfFifteenMinutes(placed_at), rest)])
        )) AS part
    FROM {{orders_of_period|arrayExists(t -> t >= toDateTime64({since:UInt32}, 6, 'UTC') AND t < toDateTime64({until:UInt32}, 6, 'UTC'), `refunds.at`)}}
    WHERE (counted OR status = 'refunded')
)
WHERE {{in_period|slot}}
GROUP BY shop_id, slot, currency
