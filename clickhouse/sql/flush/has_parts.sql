-- A row where a batch needs apply/order_parts.sql, else none. The rows of the batch stand until it is applied.
SELECT 1 AS found
FROM orders
PREWHERE batch = {batch:UInt64}
WHERE {{has_parts}}
LIMIT 1
