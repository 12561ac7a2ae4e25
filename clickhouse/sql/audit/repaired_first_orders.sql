-- Shops whose row in `first_orders` was repaired lately. A worker that had read the wrong one goes by it for some minutes,
-- and takes an order for no earliest one that now is.
SELECT DISTINCT key[1] AS shop
FROM repairs
WHERE window = 'first_orders' AND at >= now64(3) - INTERVAL 1 DAY
