-- The stored name of a product that it should not have is taken back: reports then look at the orders and
-- levels themselves, so this is right whatever name is expected.
INSERT INTO product_names (shop_id, product_id, gone)
SELECT shop_id, product_id, CAST((best.micros, best.tie), 'Tuple(micros UInt64, tie UInt32)')
FROM
(
    SELECT shop_id, product_id, max(latest) AS best
    FROM product_names
    WHERE (shop_id, product_id) IN (SELECT shop_id, product_id FROM wanted)
    GROUP BY shop_id, product_id
)
