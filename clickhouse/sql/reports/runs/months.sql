order_windows AS sums
WHERE grain = 'product_month' AND shop_id = {shop:String}
    AND start >= toDateTime({from_NUMBER:UInt32}, 'UTC') AND start < toDateTime({to_NUMBER:UInt32}, 'UTC')
