-- Units that are on order, of every product of the shop that has any.
SELECT product_id, sum(stock.units) AS units
FROM on_order AS stock
WHERE shop_id = {shop:String}
GROUP BY product_id
HAVING units != 0
