-- As order_windows.sql, summed; what 15-minute buckets have by product, or by part of totals, is one row a day (UTC).
SELECT
    grain,
    if(grain IN ('product_15m', 'parts_15m'), toStartOfDay(sums.start), sums.start) AS begin,
    CAST(currency, 'FixedString(3)') AS code,
    product_id,
    sum(orders),
    sum(quantity),
    sum(revenue),
    max(revised)
FROM order_windows AS sums
WHERE shop_id = {shop:String} AND ({ranges})
GROUP BY grain, begin, code, product_id
