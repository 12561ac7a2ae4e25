-- The same as newer_orders.sql, where no order has two events at one instant, but for one event that came twice. No array is
-- made, and `staged` is read without a join.
(
    SELECT
        *,
        bitShiftRight(prior_version, 32) AS prior_instant,
        instant = prior_instant AS equal,
        bitOr(
            bitShiftLeft(instant, 32),
            if(equal, least(toUInt128(4294967295), bitAnd(prior_version, toUInt128(4294967295)) + 1), {{tie|event}})
        ) AS version,
        if(equal, arraySlice(arrayPushBack(prior_equals, event), -1000), [event]) AS equals
    FROM
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
    ) AS new
    LEFT ANY JOIN stored USING (shop_key, created_at, order_key)
    WHERE instant > prior_instant OR (equal AND NOT {{known|prior_equals|event}})
) AS newer
