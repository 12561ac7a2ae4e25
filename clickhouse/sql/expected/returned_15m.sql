SELECT
    shop_id,
    toStartOfFifteenMinutes(created_at) AS slot,
    toString(currency) AS currency,
    sum(toDecimal128(if(counted, refund, total), 4)) AS revenue
FROM orders FINAL
WHERE status NOT IN ('cancelled', 'failed')
    AND created_at >= toDateTime({since:UInt32}, 'UTC') AND created_at < toDateTime({until:UInt32}, 'UTC')
    AND {{of_shop}}
GROUP BY shop_id, slot, currency
