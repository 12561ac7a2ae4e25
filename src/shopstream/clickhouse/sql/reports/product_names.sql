-- The latest name given to each product; `gone` where the version that gave it no longer stands.
SELECT
    product_id,
    best.3 AS name,
    (product_id, best.1, best.2) IN
    (
        SELECT product_id, micros, tie
        FROM product_names_gone
        WHERE shop_id = {shop:String} AND product_id IN {products:Array(String)}
    ) AS gone
FROM
(
    SELECT product_id, max(latest) AS best
    FROM product_names
    WHERE shop_id = {shop:String} AND product_id IN {products:Array(String)}
    GROUP BY product_id
)
