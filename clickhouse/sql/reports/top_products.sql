-- The products that sold best in a period, which is a run of a window or the sum of several (see runs/signed.sql).
SELECT product_id, sum(sums.quantity) AS quantity, sum(sums.revenue) AS revenue
FROM {sums}
    AND currency = {currency:String}
GROUP BY product_id
HAVING quantity != 0 OR revenue != 0
ORDER BY revenue DESC, product_id
LIMIT 10
