-- The latest version of a payment decides.
CREATE OR REPLACE VIEW shopstream_bi.payments
(
    shop_id LowCardinality(String) COMMENT 'the shop that the row belongs to',
    payment_id String COMMENT 'unique in its shop',
    order_id Nullable(String) COMMENT 'NULL for a payment that names no order',
    status LowCardinality(String) COMMENT 'received or failed',
    amount Decimal(38, 4) COMMENT 'never below 0',
    currency LowCardinality(String) COMMENT 'ISO 4217',
    method Nullable(String) COMMENT 'as the shop calls it',
    reason Nullable(String) COMMENT 'why it failed',
    at DateTime64(6, 'UTC') COMMENT 'when it was received or failed'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT
    shop_id,
    payment_id,
    order_id,
    if(received, 'received', 'failed') AS status,
    amount,
    currency,
    method,
    reason,
    at
FROM shopstream.payments FINAL
COMMENT 'every payment as it now stands, received or failed'
