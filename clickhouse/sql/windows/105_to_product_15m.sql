CREATE MATERIALIZED VIEW IF NOT EXISTS to_product_15m TO product_15m AS
SELECT
    shop_id,
    slot,
    change.1 AS currency,
    change.2 AS product_id,
    sum(change.3) AS quantity,
    sum(change.4) AS revenue
FROM
(
    SELECT
        shop_id,
        toStartOfFifteenMinutes(created_at) AS slot,
        arrayJoin(arrayConcat(
            if(counted, arrayMap(
                (p, q, r, price) -> (currency, p, toInt64(q) - toInt64(r), toDecimal128(price, 4) * (toInt64(q) - toInt64(r))),
                `items.product_id`, `items.quantity`, `items.refunded`, `items.price`), []),
            if(prior_counted, arrayMap(
                (p, q, r, price) -> (prior_currency, p, toInt64(r) - toInt64(q), toDecimal128(price, 4) * (toInt64(r) - toInt64(q))),
                `prior_items.product_id`, `prior_items.quantity`, `prior_items.refunded`, `prior_items.price`), [])
        )) AS change
    FROM apply_orders
)
GROUP BY shop_id, slot, currency, product_id
HAVING quantity != 0 OR revenue != 0
