-- Sums of each product in each month or day of a period, or in all its 15-minute buckets together, by currency; units and
-- revenue in 1/10000, each as the lower and the upper half of 128 bits. `begin` in Unix seconds.
SELECT
    if({window:String} = 'product_15m', {start:UInt32}, toUnixTimestamp(sums.start)) AS begin,
    currency,
    product_id,
    toUInt64(bitAnd(reinterpret(sum(sums.quantity), 'Int128') AS quantity, 18446744073709551615)) AS low_quantity,
    toInt64(bitShiftRight(quantity, 64)) AS high_quantity,
    toUInt64(bitAnd(reinterpret(sum(sums.revenue), 'Int128') AS revenue, 18446744073709551615)) AS low,
    toInt64(bitShiftRight(revenue, 64)) AS high
FROM order_windows AS sums
WHERE grain = {window:String} AND shop_id = {shop:String}
    AND sums.start >= toDateTime({start:UInt32}, 'UTC') AND sums.start < toDateTime({end:UInt32}, 'UTC')
GROUP BY begin, currency, product_id
