-- Units and revenue of each product by a span of time: its column, and the span of the order's time.
SELECT
    shop_id,
    $2 AS $1,
    toString(currency) AS currency,
    product AS product_id,
    sum(toDecimal128(sold, 4)) AS quantity,
    sum(amount) AS revenue
FROM {{orders_of_period|false}}
ARRAY JOIN `items.product_id` AS product, `items.sold` AS sold, `items.revenue` AS amount
WHERE counted
    AND {{in_period|placed_at}}
GROUP BY shop_id, $1, currency, product_id
