-- A run of UTC days, as months.sql.
SELECT product_id, currency, quantity * {sign_NUMBER:Int8} AS quantity, revenue * {sign_NUMBER:Int8} AS revenue
FROM product_day
WHERE shop_id = {shop:String} AND day >= {from_NUMBER:Date} AND day < {to_NUMBER:Date}
