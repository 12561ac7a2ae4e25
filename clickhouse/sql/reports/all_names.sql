-- Names of every product of the shop, and which are gone; parts that are not merged yet give a row each.
SELECT product_id, stored.latest, stored.gone
FROM product_names AS stored
WHERE shop_id = {shop:String}
