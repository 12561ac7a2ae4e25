-- A level names its product as an order does: the latest name, and the latest that was taken back.
INSERT INTO product_names
SELECT
    shop_id,
    product_id,
    max(CAST(change.1, 'Tuple(micros UInt64, tie UInt32, line UInt16, name String)')) AS latest,
    max(CAST(change.2, 'Tuple(micros UInt64, tie UInt32)')) AS gone
FROM
(
    SELECT
        shop_id,
        product_id,
        (toUInt64(bitShiftRight(version, 64)), toUInt32(bitAnd(version, 4294967295))) AS given,
        (toUInt64(bitShiftRight(prior_version, 64)), toUInt32(bitAnd(prior_version, 4294967295))) AS taken,
        arrayJoin(arrayConcat(
            if(name IS NULL, [], [((given.1, given.2, toUInt16(1), assumeNotNull(name)), (toUInt64(0), toUInt32(0)))]),
            if(prior_name IS NULL, [], [((toUInt64(0), toUInt32(0), toUInt16(0), ''), taken)])
        )) AS change
    FROM levels
    PREWHERE batch = {batch:UInt64}
)
GROUP BY shop_id, product_id
