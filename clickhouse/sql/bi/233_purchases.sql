-- That a purchase was created and that it was received are two rows; one that was never created is none here.
CREATE OR REPLACE VIEW shopstream_bi.purchases
(
    shop_id LowCardinality(String) COMMENT 'the shop that the row belongs to',
    purchase_id String COMMENT 'unique in its shop',
    supplier_id String COMMENT 'see suppliers',
    received Bool COMMENT 'whether it has arrived',
    created_at DateTime64(6, 'UTC') COMMENT 'when it was ordered',
    received_at Nullable(DateTime64(6, 'UTC')) COMMENT 'NULL until it has arrived',
    expected_at Nullable(DateTime64(6, 'UTC')) COMMENT 'NULL where nobody said',
    units Decimal(38, 4) COMMENT 'ordered, all products together',
    cost Decimal(38, 4) COMMENT 'of all units as ordered, in the currency that the supplier is paid in, half-even to 4 decimals'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT
    shop_id,
    purchase_id,
    anyIf(fact.supplier_id, NOT fact.received) AS supplier_id,
    max(fact.received) AS received,
    anyIf(fact.at, NOT fact.received) AS created_at,
    anyIf(toNullable(fact.at), fact.received) AS received_at,
    anyIf(tuple(fact.expected_at), NOT fact.received).1 AS expected_at,
    anyIf(arraySum(fact.`items.quantity`), NOT fact.received) AS units,
    anyIf(roundBankers(arraySum((q, c) -> toDecimal128(c, 4) * q, fact.`items.quantity`, fact.`items.cost`), 4), NOT fact.received) AS cost
FROM shopstream.purchases AS fact FINAL
GROUP BY shop_id, purchase_id
HAVING min(fact.received) = false
COMMENT 'every purchase that was created, and whether it was received'
