-- Which records at some places are accepted events of the shop. By the whole primary key: a granule a place.
SELECT topic, epoch, partition, offset
FROM events
WHERE shop_id = {shop:String}
    AND (topic, epoch, partition, offset) IN arrayZip(
        {topics:Array(String)},
        {epochs:Array(UInt32)},
        {partitions:Array(UInt32)},
        {offsets:Array(UInt64)}
    )
