-- The products that sold best on a local day, in each currency.
SELECT currency, product_id, sum(sales.quantity) AS quantity, sum(sales.revenue) AS revenue
FROM product_day AS sales
WHERE shop_id = {shop:String} AND day = {day:Date}
GROUP BY currency, product_id
HAVING quantity != 0 OR revenue != 0
ORDER BY currency, revenue DESC, product_id
LIMIT 10 BY currency
