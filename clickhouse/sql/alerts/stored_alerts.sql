-- Crossings of the stored alerts of a batch, in the columns of crossings.sql.
SELECT shop_id, product_id, location_id, id, low, quantity, threshold, sku, toUnixTimestamp64Micro(alerts.at) AS at
FROM alerts
WHERE batch = {batch:UInt64}
LIMIT 1 BY shop_id, id
