-- Time zone and currency of each shop in `wanted`, as far as it has said or its first order says.
SELECT
    wanted.shop_id AS shop_id,
    said.timezone AS timezone,
    if(said.currency = '', earliest.currency, said.currency) AS currency
FROM wanted
LEFT ANY JOIN
(
    SELECT shop_id, timezone, currency
    FROM shops
    WHERE shop_id IN (SELECT shop_id FROM wanted)
    ORDER BY shop_id, version DESC
    LIMIT 1 BY shop_id
) AS said USING (shop_id)
LEFT ANY JOIN
(
    SELECT shop_id, min(first).currency AS currency
    FROM first_orders
    WHERE shop_id IN (SELECT shop_id FROM wanted)
    GROUP BY shop_id
) AS earliest USING (shop_id)
