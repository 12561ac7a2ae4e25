product_month AS sold
WHERE shop_id = {shop:String} AND month >= {from_NUMBER:Date} AND month < {to_NUMBER:Date}
