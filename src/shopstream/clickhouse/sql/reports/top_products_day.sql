-- The products that sold best on a local day.
SELECT product_id, sum(sales.quantity) AS quantity, sum(sales.revenue) AS revenue
FROM product_day AS sales
WHERE shop_id = {shop:String} AND day = {day:Date} AND currency = {currency:String}
GROUP BY product_id
HAVING quantity != 0 OR revenue != 0
ORDER BY revenue DESC, product_id
LIMIT 10
