-- Rows of the batch whose order exists in the shop with another createdAt, with the one that counts (microseconds). The
-- first that was accepted stands: a stored one before any of the batch, and in the batch the one that came first.
-- `new`: whether the batch has orders that are not stored; `stored`: whether it has some that are. `equal`: whether two events of one order have one instant.
SELECT
    groupArrayIf((seq, toUnixTimestamp64Micro(first)), created_at != first) AS conflicts,
    countIf(found = 0) > 0 AS new,
    countIf(found = 1) > 0 AS stored,
    uniqExact(shop_key, order_key, updated_at, revision) < uniqExact(shop_key, order_key, updated_at, revision, source, event_id) AS equal
FROM
(
    SELECT
        *,
        if(found = 1, stored_at, first_value(created_at) OVER (PARTITION BY shop_key, order_key ORDER BY seq)) AS first
    FROM
    (
        SELECT *, {{shop_key|shop_id}} AS shop_key, cityHash64(order_id) AS order_key
        FROM staged
    ) AS new
    LEFT ANY JOIN
    (
        SELECT shop_key, order_key, created_at AS stored_at, 1 AS found
        FROM order_places
        WHERE (shop_key, order_key) IN (SELECT {{shop_key|shop_id}}, cityHash64(order_id) FROM staged)
    ) AS known USING (shop_key, order_key)
)
