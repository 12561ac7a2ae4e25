-- What some rows of `orders` change in every window of orders: the new version added, the superseded one taken away.
-- Of each version a row for the order itself, with the product '', one for each line in each product window, and those of
-- fragments/beside_sales.sql. Of what both versions have alike there is no row: a change of the status alone writes nothing, and
-- `revised` says when numbers changed. The engine adds up rows of one key as it inserts them. Few functions: what the engine
-- spends on a small batch, it spends on the analysis of the statement.
SELECT
    if(part > 0, more[part].1, if(part = 0, 1, -part)) AS grain,
    shop_id,
    if(part > 0, more[part].2, [slot, slot, toStartOfDay(created_at), toDateTime(toStartOfMonth(created_at), 'UTC')][grain]) AS start,
    currency,
    if(grain = 7, more[part].3, product_id) AS product_id,
    if(part > 0, side * more[part].4, if(part = 0, counts, 0)) AS orders,
    if(part > 0, 0, counts * units) AS quantity,
    if(part > 0, side * more[part].5, counts * toDecimal128(amount, 4)) AS revenue,
    if(part = 0 OR grain = 6, at, 0) AS revised
FROM
(
    SELECT
        shop_id,
        created_at,
        slot,
        at,
        product_id,
        units,
        amount,
        if(place > own, -1, 1) AS side,
        if(place > own, prior_currency, currency) AS currency,
        if(place > own, -prior_counted, counted) AS counts,
        if(place > own, gone, new) AS more,
        if(
            product_id = '',
            arrayConcat(if(counts != 0 AND order_changed, [0], []), arrayMap(n -> toInt16(n), arrayEnumerate(more))),
            if(counts != 0 AND lines_changed, [-2, -3, -4], [])
        ) AS parts
    FROM
    (
        SELECT
            shop_id,
            created_at,
            toStartOfFifteenMinutes(created_at) AS slot,
            currency,
            prior_currency,
            counted,
            prior_counted,
            toDateTime(intDiv(bitShiftRight(batch, 22), 1000) + 1704067200, 'UTC') AS at,
            {{beside_sales|refunds|status|counted|currency|total|refund|tax, shipping, discount, tip}} AS beside,
            {{beside_sales|prior_refunds|prior_status|prior_counted|prior_currency|prior_total|prior_refund|prior_tax, prior_shipping, prior_discount, prior_tip}} AS prior_beside,
            arrayFilter(r -> NOT has(prior_beside, r), beside) AS new,
            arrayFilter(r -> NOT has(beside, r), prior_beside) AS gone,
            (counted, currency, `items.product_id`, `items.sold`, `items.revenue`)
                != (prior_counted, prior_currency, `prior_items.product_id`, `prior_items.sold`, `prior_items.revenue`) AS lines_changed,
            lines_changed OR total - refund != prior_total - prior_refund AS order_changed,
            length(`items.price`) + 1 AS own,
            arrayConcat(`items.product_id`, [''], `prior_items.product_id`, ['']) AS products,
            arrayConcat(`items.sold`, [arraySum(`items.sold`)], `prior_items.sold`, [arraySum(`prior_items.sold`)]) AS quantities,
            arrayConcat(`items.revenue`, [total - refund], `prior_items.revenue`, [prior_total - prior_refund]) AS amounts
        FROM {rows}
    )
    ARRAY JOIN products AS product_id, quantities AS units, amounts AS amount, arrayEnumerate(products) AS place
)
ARRAY JOIN parts AS part
