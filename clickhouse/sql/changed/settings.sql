-- Another time zone or currency changes every date on which the shop has sold anything.
SELECT shop.shop_id AS shop_id, groupUniqArrayIf(toUnixTimestamp(start), start > 0) AS slots
FROM
(
    SELECT DISTINCT shop_id
    FROM shops
    PREWHERE batch BETWEEN {first:UInt64} AND {last:UInt64}
    WHERE (timezone, currency) != (prior_timezone, prior_currency)
) AS shop
LEFT JOIN (SELECT shop_id, start FROM order_windows WHERE grain IN ('sales_15m', 'returned_15m', 'refunds_15m')) AS sales USING (shop_id)
GROUP BY shop_id
