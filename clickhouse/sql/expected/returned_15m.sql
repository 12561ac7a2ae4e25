SELECT
    shop_id,
    toStartOfFifteenMinutes(placed_at) AS slot,
    toString(currency) AS currency,
    sum(toDecimal128(if(counted, refund, total), 4)) AS revenue
FROM {{orders_of_period|false}}
WHERE (counted OR status = 'refunded')
    AND {{in_period|placed_at}}
GROUP BY shop_id, slot, currency
