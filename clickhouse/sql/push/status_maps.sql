-- Words for statuses of some shops, or of all, as JSON; no row of a shop that has none.
SELECT shop_id, argMax(status_map, version) AS status_map
FROM shops
WHERE empty({shops:Array(String)}) OR shop_id IN {shops:Array(String)}
GROUP BY shop_id
HAVING status_map NOT IN ('', '{}')
