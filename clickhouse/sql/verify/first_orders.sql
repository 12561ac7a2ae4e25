-- The currency of each shop as the reports take it, and that of its earliest order.
SELECT
    [shop_id] AS key,
    [anyIf(currency, NOT real)] AS stored,
    [anyIf(currency, real)] AS expected
FROM
(
    SELECT shop_id, min(first).currency AS currency, false AS real
    FROM first_orders
    WHERE {shop:String} = '' OR shop_id = {shop:String}
    GROUP BY shop_id
    UNION ALL
    SELECT shop_id, argMin(toString(currency), (created_at, order_id)), true
    FROM orders FINAL
    WHERE {shop:String} = '' OR shop_id = {shop:String}
    GROUP BY shop_id
)
GROUP BY shop_id
