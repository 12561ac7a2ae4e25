-- The new version added, the superseded one taken away.
CREATE MATERIALIZED VIEW IF NOT EXISTS to_sales_15m TO sales_15m AS
SELECT
    shop_id,
    slot,
    change.1 AS currency,
    sum(change.2) AS orders,
    sum(change.3) AS revenue,
    sum(change.4) AS items
FROM
(
    SELECT
        shop_id,
        toStartOfFifteenMinutes(created_at) AS slot,
        toInt64(arraySum(`items.quantity`)) - toInt64(arraySum(`items.refunded`)) AS new_items,
        toInt64(arraySum(`prior_items.quantity`)) - toInt64(arraySum(`prior_items.refunded`)) AS old_items,
        arrayJoin(arrayConcat(
            if(counted, [(currency, 1, toDecimal128(total - refund, 4), new_items)], []),
            if(prior_counted, [(prior_currency, -1, -toDecimal128(prior_total - prior_refund, 4), -old_items)], [])
        )) AS change
    FROM apply_orders
)
GROUP BY shop_id, slot, currency
HAVING orders != 0 OR revenue != 0 OR items != 0
