-- When the earliest order of each shop in `wanted` was made, in microseconds.
SELECT shop_id, toUnixTimestamp64Micro(min(first).1) AS created_at
FROM first_orders
WHERE shop_id IN (SELECT shop_id FROM wanted)
GROUP BY shop_id
