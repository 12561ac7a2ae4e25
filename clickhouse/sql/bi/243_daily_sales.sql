-- A local date is the UTC date, the next, or the one before. A part for each, so that a condition on local_date is
-- one on slot, which the sort key serves. No zone is more than 14
-- hours ahead or 12 behind, so other hours need not be looked at.
CREATE OR REPLACE VIEW shopstream_bi.daily_sales
(
    shop_id LowCardinality(String) COMMENT 'the shop that the row belongs to',
    local_date Date COMMENT 'date of the orders in the time zone of the shop as that now stands',
    currency LowCardinality(String) COMMENT 'ISO 4217, a row for each',
    revenue Decimal(38, 4) COMMENT 'of counted orders, refunds taken off',
    orders Int64 COMMENT 'counted orders: their status is one that the shop counts',
    items Decimal(38, 4) COMMENT 'units sold in them, returned ones taken off',
    gross Decimal(38, 4) COMMENT 'totals of orders that count or are refunded, refunds not taken off',
    refunds Int64 COMMENT 'refunds made on this date, of orders of any date',
    refunded Decimal(38, 4) COMMENT 'what those refunds come to',
    tax Decimal(38, 4) COMMENT 'tax of counted orders',
    shipping Decimal(38, 4) COMMENT 'shipping of counted orders',
    discount Decimal(38, 4) COMMENT 'taken off counted orders',
    tip Decimal(38, 4) COMMENT 'tips of counted orders'
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
    sums AS
    (
        SELECT
            shop_id,
            start AS slot,
            currency,
            if(grain = 'sales_15m', order_windows.orders, 0) AS orders,
            if(grain = 'sales_15m', order_windows.revenue, 0) AS revenue,
            quantity AS items,
            if(grain IN ('sales_15m', 'returned_15m'), order_windows.revenue, 0) AS gross,
            if(grain = 'refunds_15m', order_windows.orders, 0) AS refunds,
            if(grain = 'refunds_15m', order_windows.revenue, 0) AS refunded,
            if(product_id = 'tax', order_windows.revenue, 0) AS tax,
            if(product_id = 'shipping', order_windows.revenue, 0) AS shipping,
            if(product_id = 'discount', order_windows.revenue, 0) AS discount,
            if(product_id = 'tip', order_windows.revenue, 0) AS tip
        FROM shopstream.order_windows
        WHERE grain IN ('sales_15m', 'returned_15m', 'refunds_15m', 'parts_15m')
    ),
    offsets AS
    (
        SELECT zone, since, seconds
        FROM shopstream.zone_offsets
        WHERE zone IN (SELECT timezone FROM shopstream.shops)
    )
SELECT
    shop_id,
    local_date,
    currency,
    sum(part.revenue) AS revenue,
    sum(part.orders) AS orders,
    sum(part.items) AS items,
    sum(part.gross) AS gross,
    sum(part.refunds) AS refunds,
    sum(part.refunded) AS refunded,
    sum(part.tax) AS tax,
    sum(part.shipping) AS shipping,
    sum(part.discount) AS discount,
    sum(part.tip) AS tip
FROM
(
    SELECT r.*, toDate(r.slot) AS local_date
    FROM sums AS r
    LEFT ANY JOIN zones AS s ON r.shop_id = s.shop
    ASOF LEFT JOIN offsets AS z ON s.zone = z.zone AND r.slot >= z.since
    WHERE toDate(r.slot + ifNull(z.seconds, 0)) = toDate(r.slot)
    UNION ALL
    SELECT r.*, toDate(r.slot) + 1 AS local_date
    FROM sums AS r
    INNER JOIN zones AS s ON r.shop_id = s.shop
    ASOF INNER JOIN offsets AS z ON s.zone = z.zone AND r.slot >= z.since
    WHERE toDate(r.slot + ifNull(z.seconds, 0)) > toDate(r.slot) AND toHour(r.slot) >= 10
    UNION ALL
    SELECT r.*, toDate(r.slot) - 1 AS local_date
    FROM sums AS r
    INNER JOIN zones AS s ON r.shop_id = s.shop
    ASOF INNER JOIN offsets AS z ON s.zone = z.zone AND r.slot >= z.since
    WHERE toDate(r.slot + ifNull(z.seconds, 0)) < toDate(r.slot) AND toHour(r.slot) < 12
) AS part
GROUP BY shop_id, local_date, currency
HAVING sum(part.revenue) != 0 OR sum(part.orders) != 0 OR sum(part.items) != 0 OR sum(part.gross) != 0 OR sum(part.refunds) != 0 OR sum(part.refunded) != 0
COMMENT 'sales of each shop by local date and currency, dates without any have no row'
