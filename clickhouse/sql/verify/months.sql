-- Orders by the UTC month of their createdAt, by month.
SELECT toString(toStartOfMonth(toDate(created_at))) AS month, count() AS orders
FROM orders
GROUP BY month
ORDER BY month
