-- As 214_shops, but for what it says of the time zone: an offset has a name too.
CREATE OR REPLACE VIEW shopstream_bi.shops
(
    shop_id LowCardinality(String) COMMENT 'the shop that the row belongs to',
    name String COMMENT 'as it now stands',
    timezone LowCardinality(String) COMMENT 'IANA name, or an offset such as +05:30, decides the local dates, past ones too',
    currency LowCardinality(String) COMMENT 'ISO 4217, of the reports',
    low_stock_threshold Nullable(UInt32) COMMENT 'for products whose level has none of its own, NULL means 10',
    updated_at DateTime64(6, 'UTC') COMMENT 'since when the settings are these'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT shop_id, name, timezone, currency, low_stock_threshold, updated_at
FROM shopstream.shops FINAL
COMMENT 'settings of the shops that have said any'
