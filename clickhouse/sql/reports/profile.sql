-- What a shop's reports are made in: what the shop says of itself, then its earliest order; without currency where
-- there is none. Parts that are not merged yet give a row each: of settings the latest, of orders the least.
-- `day`: that of the earliest order (UTC, counted from 1970-01-01).
SELECT
    argMax(timezone, version) AS timezone,
    argMax(currency, version) AS currency,
    argMax(tuple(low_stock_threshold), version).1 AS threshold,
    toInt64(0) AS day,
    true AS said
FROM shops
WHERE shop_id = {shop:String}
UNION ALL
SELECT '', min(first).4, NULL, intDiv(toUnixTimestamp64Micro(min(first).1), 86400000000), false
FROM first_orders
WHERE shop_id = {shop:String}
