-- Whether the record at a place is an accepted event of the shop. By the whole primary key: one granule.
SELECT 1 AS found
FROM events
WHERE shop_id = {shop:String}
    AND topic = {topic:String}
    AND epoch = {epoch:UInt32}
    AND partition = {partition:UInt32}
    AND offset = {offset:UInt64}
LIMIT 1
