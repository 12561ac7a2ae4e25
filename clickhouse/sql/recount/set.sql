INSERT INTO counted_statuses (shop_id, statuses, claim)
SELECT {shop:String}, {statuses:String}, {recount:UInt64}
WHERE {{fence}}
