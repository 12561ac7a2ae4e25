-- Alerts of a batch that were stored before: they are published again with the same figures.
SELECT shop_id, id, name, on_order, daily_sales, days_of_cover
FROM alerts
WHERE (shop_id, id) IN (SELECT shop_id, id FROM wanted)
LIMIT 1 BY shop_id, id
