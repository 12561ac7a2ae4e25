-- An alert that was published again after a crash has the same id: one row.
CREATE OR REPLACE VIEW shopstream_bi.alerts
(
    shop_id LowCardinality(String) COMMENT 'the shop that the row belongs to',
    id String COMMENT 'of the event',
    type LowCardinality(String) COMMENT 'stock:low or stock:recovered',
    product_id String COMMENT 'unique in its shop',
    location_id Nullable(String) COMMENT 'NULL for a level without a location',
    quantity Decimal(38, 4) COMMENT 'units on hand at that moment',
    threshold UInt32 COMMENT 'of that moment',
    at DateTime64(6, 'UTC') COMMENT 'when the level crossed the threshold'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT
    shop_id,
    id,
    if(low, 'stock:low', 'stock:recovered') AS type,
    product_id,
    nullIf(location_id, '') AS location_id,
    quantity,
    threshold,
    at
FROM shopstream.alerts FINAL
COMMENT 'every crossing of a stock threshold, once'
