-- Where the orders of a batch are that were not known before.
INSERT INTO order_places
SELECT shop_key, order_key, created_at
FROM orders
PREWHERE batch = {batch:UInt64}
WHERE prior_version = 0
