-- Quarters of an hour (Unix seconds) whose numbers some batches changed, by shop. Asked while a batch is open:
-- later a merge may have replaced its rows by newer versions.
SELECT shop_id, groupUniqArray(toUnixTimestamp(toStartOfFifteenMinutes(created_at))) AS slots
FROM orders
PREWHERE batch BETWEEN {first:UInt64} AND {last:UInt64}
WHERE (
        counted != prior_counted
        OR (
            counted
            AND (currency, total, refund, `items.product_id`, `items.quantity`, `items.refunded`, `items.price`)
                != (prior_currency, prior_total, prior_refund, `prior_items.product_id`, `prior_items.quantity`, `prior_items.refunded`, `prior_items.price`)
        )
    )
GROUP BY shop_id
