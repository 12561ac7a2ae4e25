SELECT
    shop_id,
    toStartOfFifteenMinutes(placed_at) AS slot,
    toString(currency) AS currency,
    toInt64(count()) AS orders,
    sum(toDecimal128(total - refund, 4)) AS revenue,
    sum(toDecimal128(arraySum(`items.sold`), 4)) AS items
FROM {{orders_of_period|false}}
WHERE counted
    AND {{in_period|placed_at}}
GROUP BY shop_id, slot, currency
