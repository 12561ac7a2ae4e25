-- As orders: the latest `at` decides, whatever arrives first; of two at the same instant the one that arrived last.
WITH
    arrived AS
    (
        SELECT
            {{shop_key|shop_id}} AS shop_key,
            cityHash64(payment_id) AS payment_key,
            seq,
            {{instant|at|0}} AS instant,
            {{event_hash}} AS event
        FROM staged
    ),
    stored AS
    (
        SELECT
            shop_key,
            payment_key,
            version AS prior_version,
            equals AS prior_equals,
            received AS prior_received,
            amount AS prior_amount,
            currency AS prior_currency,
            at AS prior_at
        FROM payments
        WHERE (shop_key, payment_key) IN (SELECT shop_key, payment_key FROM arrived)
        ORDER BY shop_key, payment_key, version DESC, length(equals) DESC
        LIMIT 1 BY shop_key, payment_key
    )
SELECT
    newer.shop_key,
    newer.payment_key,
    shop_id,
    payment_id,
    newer.version,
    type = 'payment:received',
    amount,
    currency,
    at,
    order_id,
    method,
    reason,
    prior_version,
    prior_received,
    prior_amount,
    prior_currency,
    prior_at,
    {batch:UInt64},
    newer.equals
FROM staged
INNER JOIN
(
{{newer|shop_key, payment_key}}
) AS newer USING (seq)
