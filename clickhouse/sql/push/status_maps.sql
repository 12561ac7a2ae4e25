-- Words for statuses of the shops in `wanted`, or of all, as JSON; no row of a shop that has none.
SELECT shop_id, argMax(status_map, version) AS status_map
FROM shops
WHERE (SELECT count() FROM wanted) = 0 OR shop_id IN (SELECT shop_id FROM wanted)
GROUP BY shop_id
HAVING status_map NOT IN ('', '{}')
