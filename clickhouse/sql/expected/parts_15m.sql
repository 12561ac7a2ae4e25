SELECT
    shop_id,
    toStartOfFifteenMinutes(created_at) AS slot,
    toString(currency) AS currency,
    part.1 AS product_id,
    sum(toDecimal128(ifNull(part.2, 0), 4)) AS revenue
FROM orders FINAL
ARRAY JOIN [('tax', tax), ('shipping', shipping), ('discount', discount), ('tip', tip)] AS part
WHERE counted AND part.2 IS NOT NULL
    AND created_at >= toDateTime({since:UInt32}, 'UTC') AND created_at < toDateTime({until:UInt32}, 'UTC')
    AND {{of_shop}}
GROUP BY shop_id, slot, currency, product_id
