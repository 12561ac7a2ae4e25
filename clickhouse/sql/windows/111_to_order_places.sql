CREATE MATERIALIZED VIEW IF NOT EXISTS to_order_places TO order_places AS
SELECT shop_key, order_key, created_at
FROM apply_orders
WHERE prior_version = 0
