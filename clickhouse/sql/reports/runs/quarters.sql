product_15m AS sold
WHERE shop_id = {shop:String}
    AND slot >= toDateTime({from_NUMBER:UInt32}, 'UTC') AND slot < toDateTime({to_NUMBER:UInt32}, 'UTC')
