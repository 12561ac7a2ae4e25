-- Each slot as it is stored and as the latest version of each order says.
SELECT
    [shop_id, toString(slot), currency] AS key,
    arrayMap(v -> toString(v), [sum(s_orders), sum(s_items)]) || [toString(sum(s_revenue))] AS stored,
    arrayMap(v -> toString(v), [sum(t_orders), sum(t_items)]) || [toString(sum(t_revenue))] AS truth
FROM
(
    SELECT shop_id, slot, currency, orders AS s_orders, items AS s_items, revenue AS s_revenue,
        toInt64(0) AS t_orders, toInt64(0) AS t_items, toDecimal128(0, 4) AS t_revenue
    FROM sales_15m
    WHERE {shop:String} = '' OR shop_id = {shop:String}
    UNION ALL
    SELECT shop_id, toStartOfFifteenMinutes(created_at), currency, 0, 0, toDecimal128(0, 4),
        1, toInt64(arraySum(`items.quantity`)) - toInt64(arraySum(`items.refunded`)), toDecimal128(total - refund, 4)
    FROM orders FINAL
    WHERE counted AND ({shop:String} = '' OR shop_id = {shop:String})
)
GROUP BY shop_id, slot, currency
