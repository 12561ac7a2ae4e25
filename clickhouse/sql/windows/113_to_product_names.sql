-- In one order the last line that names a product wins.
CREATE MATERIALIZED VIEW IF NOT EXISTS to_product_names TO product_names AS
SELECT
    shop_id,
    product AS product_id,
    max(CAST((given.1, given.2, given.3, if(given.1 = 0, '', assumeNotNull(name))), 'Tuple(micros UInt64, tie UInt32, line UInt16, name String)')) AS latest,
    max(CAST(taken, 'Tuple(micros UInt64, tie UInt32)')) AS gone
FROM
(
    SELECT
        shop_id,
        (toUInt64(bitShiftRight(version, 64)), toUInt32(bitAnd(version, 4294967295))) AS at,
        (toUInt64(bitShiftRight(prior_version, 64)), toUInt32(bitAnd(prior_version, 4294967295))) AS prior_at,
        arrayJoin(arrayConcat(
            arrayMap(
                (p, n, i) -> (p, n, (at.1, at.2, toUInt16(i)), (toUInt64(0), toUInt32(0))),
                `items.product_id`, `items.name`, arrayEnumerate(`items.name`)),
            arrayMap(
                (p, n) -> (p, n, (toUInt64(0), toUInt32(0), toUInt16(0)), prior_at),
                `prior_items.product_id`, `prior_items.name`)
        )) AS change,
        change.1 AS product,
        change.2 AS name,
        change.3 AS given,
        change.4 AS taken
    FROM apply_orders
)
WHERE name IS NOT NULL
GROUP BY shop_id, product_id
