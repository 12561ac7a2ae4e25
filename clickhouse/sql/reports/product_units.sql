-- Units of some products that sold in a period, in any currency; as top_products.sql.
SELECT product_id, sum(sums.quantity) AS units
FROM {sums}
    AND product_id IN {products:Array(String)}
GROUP BY product_id
