DELETE FROM order_places
WHERE (shop_key, order_key) IN (
    SELECT {{shop_key|pair.1}}, cityHash64(pair.2)
    FROM (SELECT arrayJoin(arrayZip({shops:Array(String)}, {orders:Array(String)})) AS pair)
)
