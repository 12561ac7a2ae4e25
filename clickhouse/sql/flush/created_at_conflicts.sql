-- Rows of the batch whose order exists in the shop with another createdAt, with the one that counts. The first that was
-- accepted stands: a stored one before any of the batch, and in the batch the one that came first.
SELECT seq, toUnixTimestamp64Micro(if(found = 1, stored_at, first_in_batch)) AS first
FROM
(
    SELECT
        seq,
        created_at,
        first_value(created_at) OVER (PARTITION BY shop_key, order_key ORDER BY seq) AS first_in_batch,
        known.created_at AS stored_at,
        known.found AS found
    FROM
    (
        SELECT seq, created_at, {{shop_key|shop_id}} AS shop_key, cityHash64(order_id) AS order_key
        FROM staged
    ) AS new
    LEFT ANY JOIN
    (
        SELECT shop_key, order_key, created_at, 1 AS found
        FROM order_places
        WHERE (shop_key, order_key) IN (SELECT {{shop_key|shop_id}}, cityHash64(order_id) FROM staged)
    ) AS known USING (shop_key, order_key)
)
WHERE created_at != if(found = 1, stored_at, first_in_batch)
ORDER BY seq
