-- New columns come at the end: a tool may read them by position.
CREATE OR REPLACE VIEW shopstream_bi.shops
(
    shop_id LowCardinality(String) COMMENT 'the shop that the row belongs to',
    name String COMMENT 'as it now stands',
    timezone LowCardinality(String) COMMENT 'IANA name, or an offset such as +05:30, decides the local dates, past ones too',
    currency LowCardinality(String) COMMENT 'ISO 4217, of the reports',
    low_stock_threshold Nullable(UInt32) COMMENT 'for products whose level has none of its own, NULL means 10',
    updated_at DateTime64(6, 'UTC') COMMENT 'since when the settings are these',
    status_map Nullable(String) COMMENT 'words of the shop for statuses, a JSON object, NULL without any',
    counted_statuses Nullable(String) COMMENT 'statuses whose orders count, divided by commas, NULL means all but cancelled, failed and refunded'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT
    shop_id,
    name,
    timezone,
    currency,
    low_stock_threshold,
    updated_at,
    if(status_map IN ('', '{}'), NULL, status_map) AS status_map,
    nullIf(counted_statuses, '') AS counted_statuses
FROM shopstream.shops FINAL
COMMENT 'settings of the shops that have said any'
