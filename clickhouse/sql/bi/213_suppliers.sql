-- The latest version of a supplier.
CREATE OR REPLACE VIEW shopstream_bi.suppliers
(
    shop_id LowCardinality(String) COMMENT 'the shop that the row belongs to',
    supplier_id String COMMENT 'unique in its shop',
    name String COMMENT 'as it now stands',
    lead_time_days Nullable(UInt32) COMMENT 'days from order to delivery, NULL where nobody said',
    email Nullable(String) COMMENT 'NULL where nobody said',
    updated_at DateTime64(6, 'UTC') COMMENT 'since when the supplier is as it is'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT shop_id, supplier_id, name, lead_time_days, email, updated_at
FROM shopstream.suppliers FINAL
COMMENT 'every supplier as it now stands'
