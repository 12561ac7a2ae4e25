-- Crossings that a batch found, those of one level in the order of arrival.
SELECT
    shop_id,
    product_id,
    location_id,
    `crossings.id` AS id,
    `crossings.low` AS low,
    `crossings.quantity` AS quantity,
    `crossings.threshold` AS threshold,
    `crossings.sku` AS sku,
    toUnixTimestamp64Micro(`crossings.at`) AS at
FROM levels
ARRAY JOIN `crossings.id`, `crossings.low`, `crossings.quantity`, `crossings.threshold`, `crossings.sku`, `crossings.at`
WHERE batch = {batch:UInt64}
