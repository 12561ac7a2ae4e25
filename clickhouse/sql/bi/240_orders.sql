-- FINAL leaves the latest version of an order, whatever is merged by now; it never crosses partitions, which are
-- months of created_at.
-- A local date is the UTC date, the next, or the one before. A part for each, so that a condition on local_date is
-- one on created_at, which the sort key and the partitions serve. No zone is more than 14
-- hours ahead or 12 behind, so other hours need not be looked at. Orders that are placed at another time than they were created
-- at are few, and a part of their own, found by an index.
CREATE OR REPLACE VIEW shopstream_bi.orders
(
    shop_id LowCardinality(String) COMMENT 'the shop that the row belongs to',
    order_id String COMMENT 'unique in its shop',
    status LowCardinality(String) COMMENT 'pending, paid, processing, shipped, delivered, completed, cancelled, failed or refunded',
    counted Bool COMMENT 'whether the order counts, by its status',
    currency LowCardinality(String) COMMENT 'ISO 4217, of all amounts of the order',
    created_at DateTime64(6, 'UTC') COMMENT 'when the order was made, never changes',
    updated_at DateTime64(6, 'UTC') COMMENT 'since when the order is as it is',
    local_date Date COMMENT 'date of placed_at in the time zone of the shop as that now stands',
    customer_id Nullable(String) COMMENT 'NULL for an unknown customer',
    total Decimal(38, 4) COMMENT 'what the order comes to, refunds not taken off',
    refund Decimal(38, 4) COMMENT 'what was given back',
    revenue Decimal(38, 4) COMMENT 'total - refund, 0 where the order is not counted',
    items Decimal(38, 4) COMMENT 'units sold, returned ones taken off, 0 where the order is not counted',
    gross Decimal(38, 4) COMMENT 'total, 0 where the order neither counts nor is refunded',
    tax_total Nullable(Decimal(38, 4)) COMMENT 'tax of the order, NULL where it does not say',
    shipping_total Nullable(Decimal(38, 4)) COMMENT 'shipping of the order, NULL where it does not say',
    discount_total Nullable(Decimal(38, 4)) COMMENT 'taken off the order, NULL where it does not say',
    tip_total Nullable(Decimal(38, 4)) COMMENT 'tip of the order, NULL where it does not say',
    placed_at DateTime64(6, 'UTC') COMMENT 'when the order counts as placed: created_at unless the order says otherwise'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
WITH
    zones AS
    (
        SELECT shop_id AS shop, argMax(timezone, version) AS zone
        FROM shopstream.shops
        GROUP BY shop_id
    ),
    offsets AS
    (
        SELECT zone, since, seconds
        FROM shopstream.zone_offsets
        WHERE zone IN (SELECT timezone FROM shopstream.shops)
    )
SELECT
    shop_id,
    order_id,
    status,
    counted,
    currency,
    created_at,
    fromUnixTimestamp64Micro(toInt64(bitShiftRight(version, 64)), 'UTC') AS updated_at,
    local_date,
    customer_id,
    total,
    refund,
    if(counted, toDecimal128(total, 4) - refund, 0) AS revenue,
    if(counted, arraySum(`items.sold`), 0) AS items,
    if(counted OR status = 'refunded', total, 0) AS gross,
    tax AS tax_total,
    shipping AS shipping_total,
    discount AS discount_total,
    tip AS tip_total,
    placed_at
FROM
(
    SELECT r.*, toDate(r.created_at) AS local_date
    FROM shopstream.orders AS r FINAL
    LEFT ANY JOIN zones AS s ON r.shop_id = s.shop
    ASOF LEFT JOIN offsets AS z ON s.zone = z.zone AND r.created_at >= z.since
    WHERE placed_at = created_at AND toDate(r.created_at + ifNull(z.seconds, 0)) = toDate(r.created_at)
    UNION ALL
    SELECT r.*, toDate(r.created_at) + 1 AS local_date
    FROM shopstream.orders AS r FINAL
    INNER JOIN zones AS s ON r.shop_id = s.shop
    ASOF INNER JOIN offsets AS z ON s.zone = z.zone AND r.created_at >= z.since
    WHERE placed_at = created_at AND toDate(r.created_at + ifNull(z.seconds, 0)) > toDate(r.created_at) AND toHour(r.created_at) >= 10
    UNION ALL
    SELECT r.*, toDate(r.created_at) - 1 AS local_date
    FROM shopstream.orders AS r FINAL
    INNER JOIN zones AS s ON r.shop_id = s.shop
    ASOF INNER JOIN offsets AS z ON s.zone = z.zone AND r.created_at >= z.since
    WHERE placed_at = created_at AND toDate(r.created_at + ifNull(z.seconds, 0)) < toDate(r.created_at) AND toHour(r.created_at) < 12
    UNION ALL
    SELECT r.*, toDate(r.placed_at + ifNull(z.seconds, 0)) AS local_date
    FROM shopstream.orders AS r FINAL
    LEFT ANY JOIN zones AS s ON r.shop_id = s.shop
    ASOF LEFT JOIN offsets AS z ON s.zone = z.zone AND r.placed_at >= z.since
    WHERE placed_at != created_at
        AND (shop_key, created_at, order_key) IN (SELECT shop_key, created_at, order_key FROM shopstream.orders WHERE placed_at != created_at)
)
COMMENT 'every order as it now stands, a row each'
