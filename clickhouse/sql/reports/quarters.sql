-- Sums of quarters of an hour, by currency. Parts that are not merged yet give a row each.
SELECT order_windows.start, toFixedString(currency, 3), orders, toInt64(quantity), revenue
FROM order_windows
WHERE grain = 'sales_15m' AND shop_id = {shop:String}
    AND order_windows.start >= toDateTime({start:UInt32}, 'UTC') AND order_windows.start < toDateTime({end:UInt32}, 'UTC')
