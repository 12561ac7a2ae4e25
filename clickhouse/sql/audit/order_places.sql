INSERT INTO order_places
SELECT shop_key, order_key, created_at
FROM orders
WHERE (shop_id, order_id) IN (SELECT arrayJoin(arrayZip({shops:Array(String)}, {orders:Array(String)})))
LIMIT 1 BY shop_key, order_key
