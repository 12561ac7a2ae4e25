-- Units of some products that sold in a period, in any currency; as top_products.sql.
SELECT product_id, sum(sold.quantity) AS units
FROM {sold}
    AND product_id IN {products:Array(String)}
GROUP BY product_id
