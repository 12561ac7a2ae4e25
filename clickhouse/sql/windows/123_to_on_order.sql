CREATE MATERIALIZED VIEW IF NOT EXISTS to_on_order TO on_order AS
SELECT shop_id, product_id, sum(change) AS units
FROM apply_purchases
ARRAY JOIN `changes.product_id` AS product_id, `changes.units` AS change
GROUP BY shop_id, product_id
HAVING units != 0
