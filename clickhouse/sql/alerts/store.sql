-- Alerts that are not stored yet. Who stores some a second time, such as a worker that was frozen meanwhile, publishes those
-- that are there.
INSERT INTO alerts (
    shop_id, id, low, product_id, location_id, name, sku, quantity, threshold, on_order, daily_sales, days_of_cover, at, batch
)
SELECT
    shop_id, id, low, product_id, location_id, name, sku, quantity, threshold, on_order, daily_sales, days_of_cover, at, batch
FROM fresh
WHERE (shop_id, id) NOT IN (SELECT shop_id, id FROM alerts WHERE (shop_id, id) IN (SELECT shop_id, id FROM fresh))
