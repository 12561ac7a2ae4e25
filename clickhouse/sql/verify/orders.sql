-- Whether each order counts, as its row says and as the statuses do that its shop counts. Of shops that a recount has not
-- released yet nothing is expected: it may not have come to the order.
SELECT
    [shop_id, order_id] AS key,
    [toString(o.counted)] AS stored,
    [toString(multiIf(
        own.since > (SELECT max(claim) FROM owners WHERE topic = 'shopstream.counting' AND partition = 1), o.counted,
        own.statuses = '', o.status NOT IN ('cancelled', 'failed', 'refunded'),
        has(splitByChar(',', own.statuses), o.status)
    ))] AS expected
FROM
(
    SELECT shop_id, order_id, status, counted
    FROM orders FINAL
    WHERE {{of_shop}}
) AS o
LEFT ANY JOIN
(
    SELECT shop_id, argMax(counted_statuses.statuses, claim) AS statuses, max(claim) AS since
    FROM counted_statuses
    GROUP BY shop_id
) AS own USING (shop_id)
