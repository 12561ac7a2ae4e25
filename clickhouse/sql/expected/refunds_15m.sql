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
            if(rest = 0, [], [(toStartOfFifteenMinutes(created_at), rest)])
        )) AS part
    FROM
    (
        SELECT *
        FROM orders FINAL
        WHERE created_at >= toDateTime({since:UInt32}, 'UTC') AND created_at < toDateTime({until:UInt32}, 'UTC')
            AND {{of_shop}}
        UNION ALL
        SELECT *
        FROM orders FINAL
        WHERE (created_at < toDateTime({since:UInt32}, 'UTC') OR created_at >= toDateTime({until:UInt32}, 'UTC'))
            AND (shop_key, created_at, order_key) IN
            (
                SELECT shop_key, created_at, order_key
                FROM orders
                WHERE arrayExists(t -> t >= toDateTime({since:UInt32}, 'UTC') AND t < toDateTime({until:UInt32}, 'UTC'), `refunds.at`)
                    AND {{of_shop}}
            )
            AND {{of_shop}}
    )
    WHERE status NOT IN ('cancelled', 'failed')
)
WHERE slot >= toDateTime({since:UInt32}, 'UTC') AND slot < toDateTime({until:UInt32}, 'UTC')
GROUP BY shop_id, slot, currency
