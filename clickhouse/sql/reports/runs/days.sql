product_day AS sold
WHERE shop_id = {shop:String} AND day >= {from_NUMBER:Date} AND day < {to_NUMBER:Date}
