-- As `orders`, a row for each line.
CREATE OR REPLACE VIEW shopstream_bi.order_items
(
    shop_id LowCardinality(String) COMMENT 'the shop that the row belongs to',
    order_id String COMMENT 'unique in its shop',
    line UInt16 COMMENT 'place in the order, from 1',
    product_id String COMMENT 'unique in its shop',
    name Nullable(String) COMMENT 'of the product as this line gives it',
    quantity Decimal(38, 4) COMMENT 'units ordered, negative where they came back',
    refunded_quantity Decimal(38, 4) COMMENT 'units of them that were given back',
    unit_price Decimal(38, 4) COMMENT 'price of a unit',
    revenue Decimal(38, 4) COMMENT 'amount less what was given back, 0 where the order is not counted or the kind is not product or return',
    counted Bool COMMENT 'whether the order counts, by its status',
    currency LowCardinality(String) COMMENT 'ISO 4217, of all amounts of the order',
    created_at DateTime64(6, 'UTC') COMMENT 'when the order was made, never changes',
    local_date Date COMMENT 'date of placed_at in the time zone of the shop as that now stands',
    kind LowCardinality(String) COMMENT 'product, return, shipping, gift_card, fee or tip',
    amount Decimal(38, 4) COMMENT 'what the line comes to: its total, else quantity * unit_price',
    refunded_total Nullable(Decimal(38, 4)) COMMENT 'what was given back of the line, NULL where it does not say',
    discount Nullable(Decimal(38, 4)) COMMENT 'what was taken off the line, NULL where it does not say',
    tax Nullable(Decimal(38, 4)) COMMENT 'tax of the line, NULL where it does not say',
    unit Nullable(String) COMMENT 'what the quantity counts, NULL where it does not say',
    variant_id Nullable(String) COMMENT 'variant of the product, NULL where it does not say',
    category Nullable(String) COMMENT 'category of the product, NULL where it does not say',
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
    line,
    product_id,
    name,
    quantity,
    refunded AS refunded_quantity,
    price AS unit_price,
    if(counted, net, 0) AS revenue,
    counted,
    currency,
    created_at,
    local_date,
    kind,
    ifNull(toDecimal128(line_total, 4), toDecimal128(roundBankers(toDecimal128(quantity, 4) * price, 4), 4)) AS amount,
    refunded_total,
    line_discount AS discount,
    line_tax AS tax,
    unit,
    variant_id,
    category,
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
ARRAY JOIN
    arrayEnumerate(`items.product_id`) AS line,
    `items.product_id` AS product_id,
    `items.name` AS name,
    `items.quantity` AS quantity,
    `items.refunded` AS refunded,
    `items.price` AS price,
    `items.kind` AS kind,
    `items.total` AS line_total,
    `items.refunded_total` AS refunded_total,
    `items.discount` AS line_discount,
    `items.tax` AS line_tax,
    `items.unit` AS unit,
    `items.variant_id` AS variant_id,
    `items.category` AS category,
    `items.revenue` AS net
COMMENT 'every line of every order as it now stands'
