-- Duplicates, replays and late versions end here, in one comparison with what is stored. Each row that goes
-- in carries what it supersedes. Only the sum that stands in for an absent total is surely below 10^12
-- (contract of the events).
WITH
    arraySum((q, p) -> toDecimal128(p, 4) * q, item_quantity, item_unit_price) AS lines,
    arraySum((q, p) -> toDecimal128(p, 4) * q, item_refunded_quantity, item_unit_price) AS returned
SELECT
    new.shop_key,
    new.order_key,
    shop_id,
    order_id,
    new.created_at,
    new.version,
    status,
    status NOT IN ('cancelled', 'failed', 'refunded'),
    currency,
    customer_id,
    assumeNotNull(coalesce(total, accurateCastOrNull(lines, 'Decimal(18, 4)'))),
    assumeNotNull(coalesce(refunded_total, accurateCastOrNull(returned, 'Decimal(18, 4)'))),
    item_product_id,
    item_name,
    item_quantity,
    item_refunded_quantity,
    item_unit_price,
    old.version,
    old.counted,
    old.currency,
    old.total,
    old.refund,
    old.product_id,
    old.name,
    old.quantity,
    old.refunded,
    old.price,
    {batch:UInt64}
FROM
(
    SELECT
        *,
        {{shop_key|shop_id}} AS shop_key,
        cityHash64(order_id) AS order_key,
        bitOr(
            bitOr(bitShiftLeft(toUInt128(toUnixTimestamp64Micro(updated_at)), 64), bitShiftLeft(toUInt128(revision), 32)),
            {{tie}}
        ) AS version
    FROM staged
    ORDER BY shop_key, created_at, order_key, version DESC
    LIMIT 1 BY shop_key, created_at, order_key
) AS new
LEFT ANY JOIN
(
    SELECT
        shop_key,
        created_at,
        order_key,
        version,
        counted,
        currency,
        total,
        refund,
        `items.product_id` AS product_id,
        `items.name` AS name,
        `items.quantity` AS quantity,
        `items.refunded` AS refunded,
        `items.price` AS price
    FROM orders
    WHERE (shop_key, created_at, order_key) IN
        (SELECT {{shop_key|shop_id}}, created_at, cityHash64(order_id) FROM staged)
    ORDER BY shop_key, created_at, order_key, version DESC
    LIMIT 1 BY shop_key, created_at, order_key
) AS old USING (shop_key, created_at, order_key)
WHERE new.version > old.version
