-- Sums between one of the marks (Unix seconds, rising) and the next, by the mark, in every currency.
SELECT
    roundDown(toUnixTimestamp(slot), {marks:Array(UInt32)}) AS begin,
    currency,
    sum(sales.orders) AS orders,
    sum(sales.revenue) AS revenue,
    sum(sales.items) AS items
FROM sales_15m AS sales
WHERE shop_id = {shop:String} AND slot >= toDateTime({start:UInt32}, 'UTC') AND slot < toDateTime({end:UInt32}, 'UTC')
GROUP BY begin, currency
