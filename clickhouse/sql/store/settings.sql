SELECT
    new.shop_id,
    new.version,
    name,
    new.timezone,
    new.currency,
    low_stock_threshold,
    updated_at,
    old.timezone,
    old.currency,
    {batch:UInt64}
FROM
(
    SELECT
        *,
        {{version|updated_at}} AS version
    FROM staged
    ORDER BY shop_id, version DESC
    LIMIT 1 BY shop_id
) AS new
LEFT ANY JOIN
(
    SELECT shop_id, version, timezone, currency
    FROM shops
    WHERE shop_id IN (SELECT shop_id FROM staged)
    ORDER BY shop_id, version DESC
    LIMIT 1 BY shop_id
) AS old USING (shop_id)
WHERE new.version > old.version
