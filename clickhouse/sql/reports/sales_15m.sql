-- Sums of 15-minute buckets, by currency, and when they last changed. Parts that are not merged yet give a row each.
SELECT
    order_windows.start,
    toFixedString(currency, 3),
    if(grain = 'sales_15m', orders, 0),
    quantity,
    if(grain = 'sales_15m', revenue, toDecimal128(0, 4)),
    if(grain = 'refunds_15m', toDecimal128(0, 4), revenue),
    if(grain = 'refunds_15m', orders, 0),
    if(grain = 'refunds_15m', revenue, toDecimal128(0, 4)),
    if(grain = 'sales_15m', revised, toDateTime(0, 'UTC')),
    if(grain = 'refunds_15m', revised, toDateTime(0, 'UTC'))
FROM order_windows
WHERE grain IN ('sales_15m', 'returned_15m', 'refunds_15m') AND shop_id = {shop:String}
    AND order_windows.start >= toDateTime({start:UInt32}, 'UTC') AND order_windows.start < toDateTime({end:UInt32}, 'UTC')
