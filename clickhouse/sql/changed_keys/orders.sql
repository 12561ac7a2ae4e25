SELECT [shop_id, order_id] AS key
FROM orders
WHERE batch IN (SELECT batch FROM in_flight)
