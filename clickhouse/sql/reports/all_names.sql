-- As product_names.sql, of every product of the shop.
SELECT product_id, best.name AS name, (best.micros, best.tie) = taken AS gone
FROM
(
    SELECT product_id, max(latest) AS best, max(product_names.gone) AS taken
    FROM product_names
    WHERE shop_id = {shop:String}
    GROUP BY product_id
)
WHERE best.micros > 0
