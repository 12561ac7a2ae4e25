-- Sums of quarters of an hour, by currency. Parts that are not merged yet give a row each.
SELECT slot, toFixedString(currency, 3), orders, items, revenue
FROM sales_15m
WHERE shop_id = {shop:String} AND slot >= toDateTime({start:UInt32}, 'UTC') AND slot < toDateTime({end:UInt32}, 'UTC')
