-- Units of some products that are on order.
SELECT product_id, sum(stock.units) AS units
FROM on_order AS stock
WHERE shop_id = {shop:String} AND product_id IN {products:Array(String)}
GROUP BY product_id
