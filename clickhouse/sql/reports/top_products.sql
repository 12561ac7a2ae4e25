-- The products that sold best in a period.
WITH arrayMap(second -> toDateTime(second, 'UTC'), {boundaries:Array(UInt32)}) AS at
SELECT product_id, sum(sums.quantity) AS quantity, sum(sums.revenue) AS revenue
FROM {{product_period}}
    AND currency = {currency:String}
GROUP BY product_id
HAVING quantity != 0 OR revenue != 0
ORDER BY revenue DESC, product_id
LIMIT 10
