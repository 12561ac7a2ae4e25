-- Totals of one local date in the currency of each shop.
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
    WHERE shop_id IN {shops:Array(String)}
    GROUP BY shop_id
) AS profile USING (shop_id, currency)
WHERE sales.shop_id IN {shops:Array(String)} AND sales.day = {day:Date}
GROUP BY shop_id
