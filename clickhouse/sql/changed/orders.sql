-- 15-minute buckets (Unix seconds) whose numbers some batches changed, by shop. Asked while a batch is open:
-- later a merge may have replaced its rows by newer versions. An order that moved changes both. The time of a refund is one where
-- the refund is new, or gone,
-- or counts otherwise.
SELECT shop_id, groupUniqArrayArray(arrayMap(t -> toUnixTimestamp(toStartOfFifteenMinutes(t)), times)) AS slots
FROM
(
    SELECT
        shop_id,
        (counted, status = 'refunded', currency)
            != (prior_counted, prior_status = 'refunded', prior_currency) AS otherwise,
        arrayZip(`refunds.id`, `refunds.at`, `refunds.amount`) AS paid,
        arrayZip(`prior_refunds.id`, `prior_refunds.at`, `prior_refunds.amount`) AS prior_paid,
        arrayConcat(
            if(
                otherwise OR (placed_at, total, refund, `items.product_id`, `items.sold`, `items.revenue`, paid,
                    ifNull(tax, 0), ifNull(shipping, 0), ifNull(discount, 0), ifNull(tip, 0))
                    != (prior_placed_at, prior_total, prior_refund, `prior_items.product_id`, `prior_items.sold`, `prior_items.revenue`, prior_paid,
                        ifNull(prior_tax, 0), ifNull(prior_shipping, 0), ifNull(prior_discount, 0), ifNull(prior_tip, 0)),
                if(placed_at = prior_placed_at OR prior_version = 0, [placed_at], [placed_at, prior_placed_at]),
                []),
            arrayMap(r -> r.2, arrayFilter(r -> otherwise OR NOT has(prior_paid, r), paid)),
            arrayMap(r -> r.2, arrayFilter(r -> otherwise OR NOT has(paid, r), prior_paid))
        ) AS times
    FROM orders
    PREWHERE batch BETWEEN {first:UInt64} AND {last:UInt64}
    WHERE counted OR prior_counted OR status = 'refunded' OR prior_status = 'refunded'
)
WHERE notEmpty(times)
GROUP BY shop_id
