-- What some rows of `orders` change in every window of orders: the new version added, the superseded one taken away.
-- Of each version a row for the order itself, with the product '', and one for each line in each product window.
-- The engine adds up rows of one key as it inserts them. Few functions: what the engine spends on a small batch, it
-- spends on the analysis of the statement.
SELECT
    grain,
    shop_id,
    [toStartOfFifteenMinutes(created_at), toStartOfFifteenMinutes(created_at), toStartOfDay(created_at), toDateTime(toStartOfMonth(created_at), 'UTC')][grain] AS start,
    currency,
    product_id,
    number AS orders,
    units AS quantity,
    if(number = 0, units, number) * toDecimal128(price, 4) AS revenue
FROM
(
    SELECT
        shop_id,
        created_at,
        if(place > own, prior_currency, currency) AS currency,
        if(place > own, -prior_counted, counted) AS sign,
        product_id,
        if(product_id = '', sign, 0) AS number,
        sign * (bought - returned) AS units,
        price
    FROM
    (
        SELECT
            shop_id,
            created_at,
            currency,
            prior_currency,
            counted,
            prior_counted,
            length(`items.price`) + 1 AS own,
            arrayConcat(`items.product_id`, [''], `prior_items.product_id`, ['']) AS products,
            arrayConcat(`items.quantity`, [arraySum(`items.quantity`)], `prior_items.quantity`, [arraySum(`prior_items.quantity`)]) AS quantities,
            arrayConcat(`items.refunded`, [arraySum(`items.refunded`)], `prior_items.refunded`, [arraySum(`prior_items.refunded`)]) AS refunds,
            arrayConcat(`items.price`, [total - refund], `prior_items.price`, [prior_total - prior_refund]) AS prices
        FROM {rows}
    )
    ARRAY JOIN products AS product_id, quantities AS bought, refunds AS returned, prices AS price, arrayEnumerate(products) AS place
)
ARRAY JOIN if(product_id = '', [1], [2, 3, 4]) AS grain
WHERE sign != 0
