-- Tax, shipping, discounts and tips of the orders of a period in one currency, `window`, by name.
SELECT product_id AS part, sum(parts.revenue) AS amount
FROM order_windows AS parts
WHERE grain = 'parts_15m' AND shop_id = {shop:String} AND currency = {window:String}
    AND parts.start >= toDateTime({start:UInt32}, 'UTC') AND parts.start < toDateTime({end:UInt32}, 'UTC')
GROUP BY part
