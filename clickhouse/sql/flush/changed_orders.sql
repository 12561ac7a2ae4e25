-- As changed/orders.sql of one batch, of rows without refunds that have ids, of orders that did not move; and `parts`: whether
-- some row is of another kind or has parts of its total, so that changed/orders.sql and apply/order_parts.sql have to run.
SELECT shop_id, groupUniqArrayIf(toUnixTimestamp(toStartOfFifteenMinutes(placed_at)), differs) AS slots, max(has_parts) AS parts
FROM
(
    SELECT
        shop_id,
        placed_at,
        {{has_parts}} OR (placed_at != prior_placed_at AND prior_version != 0) AS has_parts,
        (counted OR prior_counted OR status = 'refunded' OR prior_status = 'refunded')
            AND (counted, status = 'refunded', currency, total, refund, `items.product_id`, `items.sold`, `items.revenue`)
            != (prior_counted, prior_status = 'refunded', prior_currency, prior_total, prior_refund,
                `prior_items.product_id`, `prior_items.sold`, `prior_items.revenue`) AS differs
    FROM orders
    PREWHERE batch = {batch:UInt64}
)
GROUP BY shop_id
