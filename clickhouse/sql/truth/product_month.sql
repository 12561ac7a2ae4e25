SELECT
    shop_id,
    toStartOfMonth(toDate(created_at)) AS month,
    toString(currency) AS currency,
    product AS product_id,
    sum(toInt64(bought) - toInt64(returned)) AS quantity,
    sum(toDecimal128(price, 4) * (toInt64(bought) - toInt64(returned))) AS revenue
FROM orders FINAL
ARRAY JOIN `items.product_id` AS product, `items.quantity` AS bought, `items.refunded` AS returned, `items.price` AS price
WHERE counted
    AND created_at >= toDateTime({since:UInt32}, 'UTC') AND created_at < toDateTime({until:UInt32}, 'UTC')
    AND ({shop:String} = '' OR (shop_key = reinterpretAsUInt64(substring(SHA256({shop:String}), 1, 8)) AND shop_id = {shop:String}))
GROUP BY shop_id, month, currency, product_id
