-- The names that a batch gives products, and those that it takes back with the versions that it supersedes. In one
-- order the last line that names a product wins. The engine takes the maxima as it inserts the rows.
INSERT INTO product_names
SELECT
    shop_id,
    product_id,
    CAST(if(is_new, (micros, tie, place, assumeNotNull(name)), (0, 0, 0, '')), 'Tuple(micros UInt64, tie UInt32, line UInt16, name String)') AS latest,
    CAST(if(is_new, (0, 0), (micros, tie)), 'Tuple(micros UInt64, tie UInt32)') AS gone
FROM
(
    SELECT
        shop_id,
        product_id,
        name,
        place,
        place <= own AS is_new,
        if(is_new, version, prior_version) AS at,
        bitShiftRight(at, 64) AS micros,
        bitAnd(at, 4294967295) AS tie
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
