-- Sums of each quarter of an hour of a period, in every currency.
SELECT
    toUnixTimestamp(slot) AS begin,
    currency,
    sum(sales.orders) AS orders,
    sum(sales.revenue) AS revenue,
    sum(sales.items) AS items
FROM sales_15m AS sales
WHERE shop_id = {shop:String} AND slot >= toDateTime({start:UInt32}, 'UTC') AND slot < toDateTime({end:UInt32}, 'UTC')
GROUP BY slot, currency
