-- How each product is called: a row for each that has a name. Where the latest name that was given was taken back
-- (or another of the same microsecond was), it is found among the orders and levels as they now stand: rare, so it
-- may read all orders of the shop. The tuples are read whole: under the setting `final` a part of one would not be
-- merged.
CREATE OR REPLACE VIEW present_names
SQL SECURITY INVOKER
AS
SELECT shop_id, product_id, toNullable(tupleElement(max(latest), 'name')) AS name
FROM shopstream.product_names
GROUP BY shop_id, product_id
HAVING tupleElement(max(latest), 'micros') > tupleElement(max(gone), 'micros')
UNION ALL
SELECT shop_id, product_id, toNullable(argMax(assumeNotNull(given), (micros, tie, line))) AS name
FROM
(
    SELECT
        shop_id,
        product_id,
        toUInt64(bitShiftRight(version, 64)) AS micros,
        toUInt32(bitAnd(version, 4294967295)) AS tie,
        line,
        given
    FROM shopstream.orders FINAL
    ARRAY JOIN `items.product_id` AS product_id, `items.name` AS given, arrayEnumerate(`items.name`) AS line
    UNION ALL
    SELECT
        shop_id,
        product_id,
        toUInt64(bitShiftRight(version, 64)) AS micros,
        toUInt32(bitAnd(version, 4294967295)) AS tie,
        1 AS line,
        name AS given
    FROM shopstream.levels FINAL
) AS named
INNER JOIN
(
    SELECT shop_id AS shop, product_id AS product
    FROM shopstream.product_names
    GROUP BY shop, product
    HAVING tupleElement(max(latest), 'micros') > 0 AND tupleElement(max(latest), 'micros') <= tupleElement(max(gone), 'micros')
) AS wanted ON named.shop_id = wanted.shop AND named.product_id = wanted.product
WHERE given IS NOT NULL
GROUP BY shop_id, product_id
