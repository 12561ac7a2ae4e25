-- Rows of one shop, or of all; by the key first, since tables are ordered by it.
({shop:String} = '' OR (shop_key = {{shop_key|{shop:String}}} AND shop_id = {shop:String}))
