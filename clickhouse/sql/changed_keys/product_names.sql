-- Products that some batches named, or no longer name.
SELECT DISTINCT [shop_id, product] AS key
FROM
(
    SELECT shop_id, arrayJoin(arrayConcat(`items.product_id`, `prior_items.product_id`)) AS product
    FROM orders
    WHERE batch IN (SELECT batch FROM in_flight)
    UNION ALL
    SELECT shop_id, product_id
    FROM levels
    WHERE batch IN (SELECT batch FROM in_flight)
)
