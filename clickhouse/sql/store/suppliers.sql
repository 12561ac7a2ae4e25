SELECT
    new.shop_id,
    new.supplier_id,
    new.version,
    name,
    lead_time_days,
    email,
    updated_at,
    {batch:UInt64}
FROM
(
    SELECT
        *,
        {{version|updated_at}} AS version
    FROM staged
    ORDER BY shop_id, supplier_id, version DESC
    LIMIT 1 BY shop_id, supplier_id
) AS new
LEFT ANY JOIN
(
    SELECT shop_id, supplier_id, version
    FROM suppliers
    WHERE (shop_id, supplier_id) IN (SELECT shop_id, supplier_id FROM staged)
    ORDER BY shop_id, supplier_id, version DESC
    LIMIT 1 BY shop_id, supplier_id
) AS old USING (shop_id, supplier_id)
WHERE new.version > old.version
