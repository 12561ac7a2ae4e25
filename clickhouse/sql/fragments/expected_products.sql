-- Units and revenue of each product by a span of time: its column, and the span of createdAt.
SELECT
    shop_id,
    $2 AS $1,
    toString(currency) AS currency,
    product AS product_id,
    sum(toDecimal128(toInt64(bought) - toInt64(returned), 4)) AS quantity,
    sum(toDecimal128(price, 4) * (toInt64(bought) - toInt64(returned))) AS revenue
FROM orders FINAL
ARRAY JOIN `items.product_id` AS product, `items.quantity` AS bought, `items.refunded` AS returned, `items.price` AS price
WHERE counted
    AND created_at >= toDateTime({since:UInt32}, 'UTC') AND created_at < toDateTime({until:UInt32}, 'UTC')
    AND {{of_shop}}
GROUP BY shop_id, $1, currency, product_id
