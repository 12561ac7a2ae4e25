-- In one order the last line that names a product wins.
CREATE MATERIALIZED VIEW IF NOT EXISTS to_product_names TO product_names AS
SELECT
    shop_id,
    line.1 AS product_id,
    max(CAST((toUInt64(bitShiftRight(version, 64)), toUInt32(bitAnd(version, 4294967295)), line.2), 'Tuple(micros UInt64, tie UInt32, name String)')) AS latest
FROM
(
    SELECT
        shop_id,
        version,
        arrayJoin(arrayDistinct(`items.product_id`)) AS product,
        (product, arrayLast((name, p) -> p = product AND name IS NOT NULL, `items.name`, `items.product_id`)) AS line
    FROM apply
)
WHERE line.2 IS NOT NULL
GROUP BY shop_id, product_id
