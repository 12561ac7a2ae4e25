-- Alerts that were kept of a batch, as crossings.sql and told.sql together say them.
SELECT
    shop_id,
    product_id,
    location_id,
    id,
    low,
    quantity,
    threshold,
    sku,
    toUnixTimestamp64Micro(alerts.at) AS at,
    name,
    on_order,
    daily_sales,
    days_of_cover
FROM alerts
WHERE batch = {batch:UInt64}
LIMIT 1 BY shop_id, id
