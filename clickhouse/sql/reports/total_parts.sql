-- Tax, shipping, discounts and tips of the orders of a period in one currency, by name.
SELECT product_id AS part, sum(parts.revenue) AS amount
FROM order_windows AS parts
WHERE grain = 'parts_15m' AND shop_id = {shop:String} AND currency = {currency:String}
    AND parts.start >= toDateTime({start:UInt32}, 'UTC') AND parts.start < toDateTime({end:UInt32}, 'UTC')
GROUP BY part
