-- Duplicates, replays and late versions end here, in one comparison with what is stored. Each row that goes
-- in carries what it supersedes. Only the sum that stands in for an absent total is surely below 10^12
-- (contract of the events). `lines`: fragments/lines.sql or, where no order of the batch has more than quantities and prices,
-- as most, plain_lines.sql; `staged`: the staged orders, with every column.
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
            `items.price` AS prior_price,
            `items.sold` AS prior_sold,
            `items.revenue` AS prior_revenue,
            `refunds.id` AS prior_refunds_id,
            `refunds.amount` AS prior_refunds_amount,
            `refunds.at` AS prior_refunds_at,
            status AS prior_status,
            tax AS prior_tax,
            shipping AS prior_shipping,
            discount AS prior_discount,
            tip AS prior_tip,
            placed_at AS prior_placed_at
        FROM orders
        WHERE (shop_key, created_at, order_key) IN (SELECT shop_key, created_at, order_key FROM arrived)
        ORDER BY shop_key, created_at, order_key, version DESC, length(equals) DESC
        LIMIT 1 BY shop_key, created_at, order_key
    ),
    {lines},
    coalesce(refunded_total, if(notEmpty(refund_amount), arraySum(refund_amount), arraySum(returned))) AS refund
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
    assumeNotNull(coalesce(total, accurateCastOrNull(arraySum(amounts), 'Decimal(18, 4)'))),
    assumeNotNull(accurateCastOrNull(refund, 'Decimal(18, 4)')),
    item_product_id,
    item_name,
    item_quantity,
    item_refunded_quantity,
    item_unit_price,
    item_kind,
    item_total,
    item_refunded_total,
    item_discount,
    item_tax,
    item_unit,
    item_variant_id,
    item_category,
    line_sold,
    line_revenue,
    refund_id,
    refund_amount,
    refund_at,
    tax_total,
    shipping_total,
    discount_total,
    tip_total,
    ifNull(placed_at, newer.created_at),
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
    prior_sold,
    prior_revenue,
    prior_refunds_id,
    prior_refunds_amount,
    prior_refunds_at,
    prior_status,
    prior_tax,
    prior_shipping,
    prior_discount,
    prior_tip,
    prior_placed_at,
    {batch:UInt64},
    newer.equals
FROM {staged}
INNER JOIN
(
{{newer|shop_key, created_at, order_key}}
) AS newer USING (seq)
