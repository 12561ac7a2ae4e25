-- As orders: the latest `at` decides, whatever arrives first.
SELECT
    new.shop_key,
    new.payment_key,
    shop_id,
    payment_id,
    new.version,
    type = 'payment:received',
    new.amount,
    new.currency,
    new.at,
    order_id,
    method,
    reason,
    old.version,
    old.received,
    old.amount,
    old.currency,
    old.at,
    {batch:UInt64}
FROM
(
    SELECT
        *,
        {{shop_key|shop_id}} AS shop_key,
        cityHash64(payment_id) AS payment_key,
        {{version|at}} AS version
    FROM staged
    ORDER BY shop_key, payment_key, version DESC
    LIMIT 1 BY shop_key, payment_key
) AS new
LEFT ANY JOIN
(
    SELECT shop_key, payment_key, version, received, amount, currency, at
    FROM payments
    WHERE (shop_key, payment_key) IN
        (SELECT {{shop_key|shop_id}}, cityHash64(payment_id) FROM staged)
    ORDER BY shop_key, payment_key, version DESC
    LIMIT 1 BY shop_key, payment_key
) AS old USING (shop_key, payment_key)
WHERE new.version > old.version
