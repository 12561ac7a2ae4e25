-- Units and revenue of each product by a span of time: its column, and the span of createdAt.
SELECT
    shop_id,
    $2 AS $1,
    toString(currency) AS currency,
    product AS product_id,
    sum(toDecimal128(sold, 4)) AS quantity,
    sum(amount) AS revenue
FROM orders FINAL
ARRAY JOIN `items.product_id` AS product, `items.sold` AS sold, `items.revenue` AS amount
WHERE counted
    AND created_at >= toDateTime({since:UInt32}, 'UTC') AND created_at < toDateTime({until:UInt32}, 'UTC')
    AND {{of_shop}}
GROUP BY shop_id, $1, currency, product_id
