DELETE FROM first_orders WHERE shop_id IN {shops:Array(String)}
