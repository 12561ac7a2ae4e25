-- Totals of a period of each shop in `shops_today`, in the currency that goes with it.
SELECT
    sales.shop_id AS shop_id,
    sum(sales.orders) AS orders,
    sum(sales.revenue) AS revenue,
    sum(sales.items) AS items
FROM sales_15m AS sales
INNER JOIN shops_today AS today ON today.shop_id = sales.shop_id AND today.currency = sales.currency
WHERE sales.shop_id IN (SELECT shop_id FROM shops_today)
    AND sales.slot >= (SELECT min(start) FROM shops_today)
    AND sales.slot >= today.start AND sales.slot < today.end
GROUP BY shop_id
