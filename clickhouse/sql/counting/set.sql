INSERT INTO counted_statuses (shop_id, statuses, claim)
SELECT shop_id, statuses, {recount:UInt64}
FROM wanted
WHERE {{fence}}
