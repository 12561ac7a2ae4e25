-- A local date is the UTC date, the next, or the one before. A part for each, so that a condition on local_date is
-- one on slot, which the sort key serves. No zone is more than 14
-- hours ahead or 12 behind, so other hours need not be looked at.
CREATE OR REPLACE VIEW shopstream_bi.daily_sales
(
    shop_id LowCardinality(String) COMMENT 'the shop that the row belongs to',
    local_date Date COMMENT 'date of the orders in the time zone of the shop as that now stands',
    currency LowCardinality(String) COMMENT 'ISO 4217, a row for each',
    revenue Decimal(38, 4) COMMENT 'of counted orders, refunds taken off',
    orders Int64 COMMENT 'counted orders: not cancelled, failed or refunded',
    items Int64 COMMENT 'units sold in them, returned ones taken off'
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
        SELECT shop_id, start AS slot, currency, orders, revenue, quantity AS items
        FROM shopstream.order_windows
        WHERE grain = 'sales_15m'
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
    toInt64(sum(part.items)) AS items
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
HAVING sum(part.revenue) != 0 OR sum(part.orders) != 0 OR sum(part.items) != 0
COMMENT 'sales of each shop by local date and currency, dates without any have no row'
