-- Shops whose stored orders count under other statuses than their settings say now.
SELECT shop_id, wanted
FROM
(
    SELECT shop_id, argMax(counted_statuses, version) AS wanted
    FROM shops
    GROUP BY shop_id
) AS said
LEFT ANY JOIN
(
    SELECT shop_id, argMax(statuses, claim) AS present
    FROM counted_statuses
    GROUP BY shop_id
) AS now USING (shop_id)
WHERE wanted != present AND shop_id NOT IN (SELECT shop_id FROM waiting)
ORDER BY shop_id
LIMIT {limit:UInt32}
