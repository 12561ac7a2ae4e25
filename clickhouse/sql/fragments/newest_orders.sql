-- The same as newer_orders.sql, where no order has two events at one instant, but for one event that came twice. No array is
-- made, and `staged` is read without a join.
(
    SELECT
        *,
        {{shop_key|shop_id}} AS shop_key,
        cityHash64(order_id) AS order_key,
        {{instant|updated_at|revision}} AS instant,
        {{event_hash}} AS event
    FROM staged
    ORDER BY shop_key, created_at, order_key, instant DESC, seq
    LIMIT 1 BY shop_key, created_at, order_key
) AS newer
LEFT ANY JOIN stored USING (shop_key, created_at, order_key)
WHERE (instant > prior_instant OR (equal AND NOT {{known|prior_equals|event}}))
    AND {{fence}}
