-- Windows of a shop, in ranges of grain and start. Parts that are not merged yet give a row each.
SELECT grain, sums.start, CAST(currency, 'FixedString(3)'), product_id, orders, quantity, revenue, revised
FROM order_windows AS sums
WHERE shop_id = {shop:String} AND ({ranges})
