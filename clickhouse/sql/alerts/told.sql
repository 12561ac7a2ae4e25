-- Alerts of a batch that were kept before: what was told once is told the same way again.
SELECT shop_id, id, name, on_order, daily_sales, days_of_cover
FROM alerts
WHERE (shop_id, id) IN (SELECT shop_id, id FROM wanted)
LIMIT 1 BY shop_id, id
