SELECT
    shop_id,
    toStartOfFifteenMinutes(created_at) AS slot,
    toString(currency) AS currency,
    toInt64(count()) AS orders,
    sum(toDecimal128(total - refund, 4)) AS revenue,
    sum(toDecimal128(arraySum(`items.sold`), 4)) AS items
FROM orders FINAL
WHERE counted
    AND created_at >= toDateTime({since:UInt32}, 'UTC') AND created_at < toDateTime({until:UInt32}, 'UTC')
    AND {{of_shop}}
GROUP BY shop_id, slot, currency
