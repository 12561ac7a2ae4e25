-- The products that sold best in a period, which is the sum of some runs of windows (see runs/months.sql).
SELECT product_id, sum(sold.quantity) AS quantity, sum(sold.revenue) AS revenue
FROM
(
{runs}
) AS sold
WHERE currency = {currency:String}
GROUP BY product_id
HAVING quantity != 0 OR revenue != 0
ORDER BY revenue DESC, product_id
LIMIT 10
