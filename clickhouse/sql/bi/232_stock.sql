-- The threshold is the level's own, else that of the shop as it now stands, else 10.
CREATE OR REPLACE VIEW shopstream_bi.stock
(
    shop_id LowCardinality(String) COMMENT 'the shop that the row belongs to',
    product_id String COMMENT 'unique in its shop',
    location_id Nullable(String) COMMENT 'NULL for a level without a location',
    name Nullable(String) COMMENT 'the latest name that an order or a stock level, as they now stand, gives the product, NULL without one',
    sku Nullable(String) COMMENT 'as the latest level says',
    quantity Decimal(38, 4) COMMENT 'units on hand, may be negative',
    threshold UInt32 COMMENT 'the level at or below which stock is low: its own, else that of the shop, else 10',
    low Bool COMMENT 'quantity is at or below threshold',
    updated_at DateTime64(6, 'UTC') COMMENT 'since when the level is as it is',
    unit Nullable(String) COMMENT 'what the quantity counts, NULL where it does not say'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT
    level.shop_id AS shop_id,
    level.product_id AS product_id,
    nullIf(level.location_id, '') AS location_id,
    named.name AS name,
    level.sku AS sku,
    level.quantity AS quantity,
    ifNull(level.threshold, ifNull(shop.low_stock_threshold, 10)) AS threshold,
    toBool(level.quantity <= ifNull(level.threshold, ifNull(shop.low_stock_threshold, 10))) AS low,
    level.updated_at AS updated_at,
    level.unit AS unit
FROM shopstream.levels AS level FINAL
LEFT ANY JOIN (SELECT shop_id, low_stock_threshold FROM shopstream.shops FINAL) AS shop ON level.shop_id = shop.shop_id
LEFT ANY JOIN shopstream.present_names AS named ON level.shop_id = named.shop_id AND level.product_id = named.product_id
COMMENT 'stock of each product at each location as it now stands'
