-- As orders: the latest version decides.
WITH
    arrived AS
    (
        SELECT shop_id, supplier_id, seq, {{instant|updated_at|0}} AS instant, {{event_hash}} AS event
        FROM staged
    ),
    stored AS
    (
        SELECT shop_id, supplier_id, version AS prior_version, equals AS prior_equals
        FROM suppliers
        WHERE (shop_id, supplier_id) IN (SELECT shop_id, supplier_id FROM arrived)
        ORDER BY shop_id, supplier_id, version DESC, length(equals) DESC
        LIMIT 1 BY shop_id, supplier_id
    )
SELECT
    newer.shop_id,
    newer.supplier_id,
    newer.version,
    name,
    lead_time_days,
    email,
    updated_at,
    {batch:UInt64},
    newer.equals
FROM staged
INNER JOIN
(
{{newer|shop_id, supplier_id}}
) AS newer USING (seq)
