-- As changed/orders.sql of one batch, of rows without refunds that have ids; and `parts`: whether some row has such refunds or
-- parts of its total, so that changed/orders.sql and apply/order_parts.sql have to run.
SELECT shop_id, groupUniqArrayIf(toUnixTimestamp(toStartOfFifteenMinutes(created_at)), differs) AS slots, max(has_parts) AS parts
FROM
(
    SELECT
        shop_id,
        created_at,
        {{has_parts}} AS has_parts,
        (counted OR prior_counted OR status = 'refunded' OR prior_status = 'refunded')
            AND (counted, status IN ('cancelled', 'failed'), currency, total, refund, `items.product_id`, `items.sold`, `items.revenue`)
            != (prior_counted, prior_status IN ('', 'cancelled', 'failed'), prior_currency, prior_total, prior_refund,
                `prior_items.product_id`, `prior_items.sold`, `prior_items.revenue`) AS differs
    FROM orders
    PREWHERE batch = {batch:UInt64}
)
GROUP BY shop_id
