-- A run of UTC months. With the sign -1 it is taken away: reading what is too much may be less than reading the rest.
SELECT product_id, currency, quantity * {sign_NUMBER:Int8} AS quantity, revenue * {sign_NUMBER:Int8} AS revenue
FROM product_month
WHERE shop_id = {shop:String} AND month >= {from_NUMBER:Date} AND month < {to_NUMBER:Date}
