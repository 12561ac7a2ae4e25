-- The name that the orders and levels say now, once more: a maximum may be taken again.
INSERT INTO product_names (shop_id, product_id, latest)
SELECT shop_id, product_id, CAST(max((micros, tie, line, name)), 'Tuple(micros UInt64, tie UInt32, line UInt16, name String)')
FROM
(
    SELECT shop_id, p AS product_id, toUInt64(bitShiftRight(version, 64)) AS micros, toUInt32(bitAnd(version, 4294967295)) AS tie,
        toUInt16(line) AS line, assumeNotNull(n) AS name
    FROM orders FINAL
    ARRAY JOIN `items.product_id` AS p, `items.name` AS n, arrayEnumerate(`items.name`) AS line
    WHERE n IS NOT NULL AND shop_id IN (SELECT shop_id FROM wanted) AND (shop_id, p) IN (SELECT shop_id, product_id FROM wanted)
    UNION ALL
    SELECT shop_id, product_id, toUInt64(bitShiftRight(version, 64)), toUInt32(bitAnd(version, 4294967295)), toUInt16(1), assumeNotNull(name)
    FROM levels FINAL
    WHERE name IS NOT NULL AND (shop_id, product_id) IN (SELECT shop_id, product_id FROM wanted)
)
GROUP BY shop_id, product_id
