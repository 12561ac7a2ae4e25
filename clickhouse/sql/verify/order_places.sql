-- Where each order is said to be, and where it is.
SELECT
    [shop_id, order_id] AS key,
    [toString(any(place.created_at))] AS stored,
    [toString(any(o.created_at))] AS expected
FROM
(
    SELECT shop_id, order_id, shop_key, order_key, created_at
    FROM orders FINAL
    WHERE {shop:String} = '' OR shop_id = {shop:String}
) AS o
LEFT JOIN order_places AS place USING (shop_key, order_key)
GROUP BY shop_id, order_id
