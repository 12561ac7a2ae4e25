-- Crossings of the alerts that were kept of a batch, as crossings.sql says them.
SELECT shop_id, product_id, location_id, id, low, quantity, threshold, sku, toUnixTimestamp64Micro(alerts.at) AS at
FROM alerts
WHERE batch = {batch:UInt64}
LIMIT 1 BY shop_id, id
