-- From quarters of an hour alone, as daily_sales.
-- A local date is the UTC date, the next, or the one before. A part for each, so that a condition on local_date is
-- one on slot, which the sort key serves. No zone is more than 14
-- hours ahead or 12 behind, so other hours need not be looked at.
CREATE OR REPLACE VIEW shopstream_bi.daily_product_sales
(
    shop_id LowCardinality(String) COMMENT 'the shop that the row belongs to',
    local_date Date COMMENT 'date of the orders in the time zone of the shop as that now stands',
    currency LowCardinality(String) COMMENT 'ISO 4217, a row for each',
    product_id String COMMENT 'unique in its shop',
    name Nullable(String) COMMENT 'the latest name that an order or a stock level, as they now stand, gives the product, NULL without one',
    quantity Decimal(38, 4) COMMENT 'units sold in counted orders, returned ones taken off',
    revenue Decimal(38, 4) COMMENT 'what the lines of the product come to, refunds taken off'
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
        SELECT shop_id, start AS slot, currency, product_id, quantity, revenue
        FROM shopstream.order_windows
        WHERE grain = 'product_15m'
    ),
    offsets AS
    (
        SELECT zone, since, seconds
        FROM shopstream.zone_offsets
        WHERE zone IN (SELECT timezone FROM shopstream.shops)
    )
SELECT
    sold.shop_id AS shop_id,
    sold.local_date AS local_date,
    sold.currency AS currency,
    sold.product_id AS product_id,
    named.name AS name,
    sold.quantity AS quantity,
    sold.revenue AS revenue
FROM
(
    SELECT
        shop_id,
        local_date,
        currency,
        product_id,
        sum(part.quantity) AS quantity,
        sum(part.revenue) AS revenue
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
    GROUP BY shop_id, local_date, currency, product_id
    HAVING sum(part.quantity) != 0 OR sum(part.revenue) != 0
) AS sold
LEFT ANY JOIN shopstream.present_names AS named ON sold.shop_id = named.shop_id AND sold.product_id = named.product_id
COMMENT 'sales of each product by local date and currency, dates without any have no row'
