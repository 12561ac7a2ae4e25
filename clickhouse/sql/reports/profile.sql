-- What a shop's reports are made in: what the shop says of itself, then its earliest order; without currency where
-- there is none. Parts that are not merged yet give a row each: of settings the latest, of orders the least.
SELECT
    argMax(timezone, version) AS timezone,
    argMax(currency, version) AS currency,
    argMax(tuple(low_stock_threshold), version).1 AS threshold,
    true AS said
FROM shops
WHERE shop_id = {shop:String}
UNION ALL
SELECT '', min(first).4, NULL, false
FROM first_orders
WHERE shop_id = {shop:String}
