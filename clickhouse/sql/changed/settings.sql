-- Another time zone or currency changes every date on which the shop has sold anything.
SELECT shop.shop_id AS shop_id, groupUniqArrayIf(toUnixTimestamp(slot), slot > 0) AS slots
FROM
(
    SELECT DISTINCT shop_id
    FROM shops
    WHERE batch BETWEEN {first:UInt64} AND {last:UInt64}
        AND (timezone, currency) != (prior_timezone, prior_currency)
) AS shop
LEFT JOIN sales_15m USING (shop_id)
GROUP BY shop_id
