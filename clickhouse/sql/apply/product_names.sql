-- The names that a batch gives products, and those that it takes back with the versions that it supersedes. In one
-- order the last line that names a product wins. The engine takes the maxima of what the table has; those of a batch are taken
-- here, of each name by numbers: (micros, tie, line) is one of 128 bits. As it inserts rows the engine would compare tuples, row by row.
INSERT INTO product_names
SETTINGS optimize_on_insert = 0
SELECT
    shop_id,
    product_id,
    CAST(
        (bitShiftRight(given, 64), bitAnd(bitShiftRight(given, 32), 4294967295), bitAnd(given, 4294967295), if(given = 0, '', name)),
        'Tuple(micros UInt64, tie UInt32, line UInt16, name String)'
    ) AS latest,
    CAST((bitShiftRight(taken, 64), bitAnd(bitShiftRight(taken, 32), 4294967295)), 'Tuple(micros UInt64, tie UInt32)') AS gone
FROM
(
    SELECT
        shop_id,
        product_id,
        assumeNotNull(name) AS name,
        max(if(is_new, bitOr(at, toUInt128(place)), toUInt128(0))) AS given,
        max(if(is_new, toUInt128(0), at)) AS taken
    FROM
    (
        SELECT
            shop_id,
            product_id,
            name,
            place,
            place <= own AS is_new,
            if(is_new, version, prior_version) AS whole,
            bitOr(bitShiftLeft(bitShiftRight(whole, 64), 64), bitShiftLeft(bitAnd(whole, 4294967295), 32)) AS at
        FROM
        (
            SELECT
                shop_id,
                version,
                prior_version,
                length(`items.name`) AS own,
                arrayConcat(`items.product_id`, `prior_items.product_id`) AS products,
                arrayConcat(`items.name`, `prior_items.name`) AS names
            FROM orders
            PREWHERE batch = {batch:UInt64}
        )
        ARRAY JOIN products AS product_id, names AS name, arrayEnumerate(names) AS place
        WHERE name IS NOT NULL
    )
    GROUP BY shop_id, product_id, name
)
