-- As orders: the latest settings decide.
WITH
    arrived AS
    (
        SELECT shop_id, seq, {{instant|updated_at|0}} AS instant, {{event_hash}} AS event
        FROM staged
    ),
    stored AS
    (
        SELECT
            shop_id,
            version AS prior_version,
            equals AS prior_equals,
            timezone AS prior_timezone,
            currency AS prior_currency
        FROM shops
        WHERE shop_id IN (SELECT shop_id FROM arrived)
        ORDER BY shop_id, version DESC, length(equals) DESC
        LIMIT 1 BY shop_id
    )
SELECT
    newer.shop_id,
    newer.version,
    name,
    timezone,
    currency,
    low_stock_threshold,
    updated_at,
    ifNull(status_map, ''),
    ifNull(counted_statuses, ''),
    prior_timezone,
    prior_currency,
    {batch:UInt64},
    newer.equals
FROM staged
INNER JOIN
(
{{newer|shop_id}}
) AS newer USING (seq)
