-- A run of quarters of an hour, as months.sql.
SELECT product_id, currency, quantity * {sign_NUMBER:Int8} AS quantity, revenue * {sign_NUMBER:Int8} AS revenue
FROM product_15m
WHERE shop_id = {shop:String}
    AND slot >= toDateTime({from_NUMBER:UInt32}, 'UTC') AND slot < toDateTime({to_NUMBER:UInt32}, 'UTC')
