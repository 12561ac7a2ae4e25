-- Each product and local date as it is stored and as the latest version of each order says.
SELECT
    [shop_id, toString(day), currency, product_id] AS key,
    [toString(sum(s_quantity)), toString(sum(s_revenue))] AS stored,
    [toString(sum(t_quantity)), toString(sum(t_revenue))] AS truth
FROM
(
    SELECT shop_id, day, currency, product_id, quantity AS s_quantity, revenue AS s_revenue,
        toInt64(0) AS t_quantity, toDecimal128(0, 4) AS t_revenue
    FROM product_day
    WHERE {shop:String} = '' OR shop_id = {shop:String}
    UNION ALL
    SELECT shop_id, day, currency, p, 0, toDecimal128(0, 4), toInt64(q) - toInt64(r), toDecimal128(price, 4) * (toInt64(q) - toInt64(r))
    FROM orders FINAL
    ARRAY JOIN `items.product_id` AS p, `items.quantity` AS q, `items.refunded` AS r, `items.price` AS price
    WHERE counted AND ({shop:String} = '' OR shop_id = {shop:String})
)
GROUP BY shop_id, day, currency, product_id
