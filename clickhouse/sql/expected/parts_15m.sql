SELECT
    shop_id,
    toStartOfFifteenMinutes(placed_at) AS slot,
    toString(currency) AS currency,
    part.1 AS product_id,
    sum(toDecimal128(ifNull(part.2, 0), 4)) AS revenue
FROM {{orders_of_period|false}}
ARRAY JOIN [('tax', tax), ('shipping', shipping), ('discount', discount), ('tip', tip)] AS part
WHERE counted AND part.2 IS NOT NULL
    AND {{in_period|placed_at}}
GROUP BY shop_id, slot, currency, product_id
