-- Of each order with an event in `staged` that is newer than its row in `stored`: the latest event, its `version` and `equals`,
-- and what is stored; with the fence.
staged
INNER JOIN
(
    WITH arrived AS
    (
        SELECT
            {{shop_key|shop_id}} AS shop_key,
            created_at,
            cityHash64(order_id) AS order_key,
            seq,
            {{instant|updated_at|revision}} AS instant,
            {{event_hash}} AS event
        FROM staged
    )
{{newer|shop_key, created_at, order_key}}
) AS newer USING (seq)
WHERE {{fence}}
