-- How many orders of a shop that count otherwise than by `statuses` have about `lines` lines and refunds together.
SELECT greatest(1, least({orders:UInt32}, intDiv(
    {lines:UInt64} * count(),
    greatest(1, sum(length(`items.product_id`) + length(`refunds.id`)))
))) AS at_once
FROM orders
WHERE shop_key = {{shop_key|{shop:String}}} AND shop_id = {shop:String}
    AND counted != has({statuses:Array(String)}, status)
