-- Duplicates, replays and late versions end here, in one comparison with what is stored. Each row that goes
-- in carries what it supersedes. Only the sum that stands in for an absent total is surely below 10^12
-- (contract of the events).
WITH
    arrived AS
    (
        SELECT
            {{shop_key|shop_id}} AS shop_key,
            created_at,
            cityHash64(order_id) AS order_key,
            seq,
            {{instant|updated_at|revision}} AS instant,
            {{event_hash}} AS event
        FROM staged
    ),
    stored AS
    (
        SELECT
            shop_key,
            created_at,
            order_key,
            version AS prior_version,
            equals AS prior_equals,
            counted AS prior_counted,
            currency AS prior_currency,
            total AS prior_total,
            refund AS prior_refund,
            `items.product_id` AS prior_product_id,
            `items.name` AS prior_name,
            `items.quantity` AS prior_quantity,
            `items.refunded` AS prior_refunded,
            `items.price` AS prior_price
        FROM orders
        WHERE (shop_key, created_at, order_key) IN (SELECT shop_key, created_at, order_key FROM arrived)
        ORDER BY shop_key, created_at, order_key, version DESC, length(equals) DESC
        LIMIT 1 BY shop_key, created_at, order_key
    ),
    arraySum((q, p) -> toDecimal128(p, 4) * q, item_quantity, item_unit_price) AS lines,
    arraySum((q, p) -> toDecimal128(p, 4) * q, item_refunded_quantity, item_unit_price) AS returned
SELECT
    newer.shop_key,
    newer.order_key,
    shop_id,
    order_id,
    newer.created_at,
    newer.version,
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
    prior_version,
    prior_counted,
    prior_currency,
    prior_total,
    prior_refund,
    prior_product_id,
    prior_name,
    prior_quantity,
    prior_refunded,
    prior_price,
    {batch:UInt64},
    newer.equals
FROM staged
INNER JOIN
(
{{newer|shop_key, created_at, order_key}}
) AS newer USING (seq)
