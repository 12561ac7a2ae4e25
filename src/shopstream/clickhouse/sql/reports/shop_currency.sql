-- The currency of the earliest order; no row in a shop without orders. Parts that are not merged yet give
-- a row each: the least one decides.
SELECT first.4 AS currency
FROM first_orders
WHERE shop_id = {shop:String}
ORDER BY first
LIMIT 1
