SELECT shop_id, product AS product_id, sum(toDecimal128(quantity, 4)) AS units
FROM
(
    SELECT shop_id, `items.product_id` AS products, `items.quantity` AS quantities
    FROM purchases FINAL
    WHERE NOT received
        AND (shop_key, purchase_key) NOT IN (SELECT shop_key, purchase_key FROM purchases WHERE received)
        AND {{of_shop}}
)
ARRAY JOIN products AS product, quantities AS quantity
GROUP BY shop_id, product_id
