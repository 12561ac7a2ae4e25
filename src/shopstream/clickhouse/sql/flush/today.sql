-- Totals of one local date in the currency of each shop in `shops`.
SELECT
    sales.shop_id AS shop_id,
    sum(sales.orders) AS orders,
    sum(sales.revenue) AS revenue,
    sum(sales.items) AS items
FROM sales_day AS sales
INNER JOIN
(
    SELECT shop_id, min(first).currency AS currency
    FROM first_orders
    WHERE shop_id IN (SELECT shop_id FROM shops)
    GROUP BY shop_id
) AS profile USING (shop_id, currency)
WHERE sales.shop_id IN (SELECT shop_id FROM shops) AND sales.day = {day:Date}
GROUP BY shop_id
