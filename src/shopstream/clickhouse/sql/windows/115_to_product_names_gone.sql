CREATE MATERIALIZED VIEW IF NOT EXISTS to_product_names_gone TO product_names_gone AS
SELECT DISTINCT
    shop_id,
    product AS product_id,
    toUInt64(bitShiftRight(prior_version, 64)) AS micros,
    toUInt32(bitAnd(prior_version, 4294967295)) AS tie
FROM apply
ARRAY JOIN arrayDistinct(`prior_items.product_id`) AS product
WHERE prior_version != 0
    AND (
        NOT arrayExists((name, p) -> p = product AND name IS NOT NULL, `items.name`, `items.product_id`)
        OR (toUInt64(bitShiftRight(version, 64)), toUInt32(bitAnd(version, 4294967295))) <= (micros, tie)
    )
