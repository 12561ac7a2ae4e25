-- What some rows of `orders` change in every window of orders: the new version added, the superseded one taken away.
-- Of each version a row for the order itself, with the product '', and one for each line in each product window; one for what
-- of its total is no revenue (5), and one for what refunds with an id leave of it (6). Of what both versions have alike there is
-- no row: a change of the status alone writes nothing, and `revised` says when numbers changed. The engine adds up rows of one
-- key as it inserts them. Few functions: what the engine spends on a small batch, it spends on the analysis of the statement.
-- `more`: order_parts.sql, and `rests`: fragments/rests.sql or plain_rests.sql, for batches that have some of it or none.
SELECT
    grain,
    shop_id,
    [slot, slot, toStartOfDay(counted_at), toDateTime(toStartOfMonth(counted_at), 'UTC'), slot, slot][grain] AS start,
    currency,
    product_id,
    multiIf(grain = 1, counts, grain = 6, side, 0) AS orders,
    if(grain < 5, counts * units, 0) AS quantity,
    multiIf(grain = 5, side * back, grain = 6, side * rest, counts * toDecimal128(amount, 4)) AS revenue,
    if(grain IN (1, 5, 6), at, toDateTime(0, 'UTC')) AS revised
FROM
(
    SELECT
        shop_id,
        if(place > own, prior_placed_at, placed_at) AS counted_at,
        toStartOfFifteenMinutes(counted_at) AS slot,
        at,
        product_id,
        units,
        amount,
        if(place > own, prior_currency, currency) AS currency,
        if(place > own, -prior_counted, counted) AS counts,
        if(place > own, -1, 1) AS side,
        if(place > own, prior_back, now_back) AS back,
        if(place > own, prior_rest, now_rest) AS rest,
        if(
            product_id = '',
            arrayFilter((g, is_due) -> is_due, [1, 5, 6], [counts != 0 AND order_changed, back != 0 AND back_changed, rest != 0 AND rest_changed]),
            if(counts != 0 AND lines_changed, [2, 3, 4], [])
        ) AS grains
    FROM
    (
        SELECT
            shop_id,
            placed_at,
            prior_placed_at,
            currency,
            prior_currency,
            counted,
            prior_counted,
            {{batch_time}} AS at,
            toStartOfFifteenMinutes(placed_at) != toStartOfFifteenMinutes(prior_placed_at) AS moved,
            moved OR (counted, currency, `items.product_id`, `items.sold`, `items.revenue`)
                != (prior_counted, prior_currency, `prior_items.product_id`, `prior_items.sold`, `prior_items.revenue`) AS lines_changed,
            lines_changed OR total - refund != prior_total - prior_refund AS order_changed,
            {{paid_back|status|counted|total|refund}} AS now_back,
            {{paid_back|prior_status|prior_counted|prior_total|prior_refund}} AS prior_back,
            {rests},
            moved OR (now_back, currency) != (prior_back, prior_currency) AS back_changed,
            moved OR (now_rest, currency) != (prior_rest, prior_currency) AS rest_changed,
            length(`items.price`) + 1 AS own,
            arrayConcat(`items.product_id`, [''], `prior_items.product_id`, ['']) AS products,
            arrayConcat(`items.sold`, [arraySum(`items.sold`)], `prior_items.sold`, [arraySum(`prior_items.sold`)]) AS quantities,
            arrayConcat(`items.revenue`, [total - refund], `prior_items.revenue`, [prior_total - prior_refund]) AS amounts
        FROM {rows}
    )
    ARRAY JOIN products AS product_id, quantities AS units, amounts AS amount, arrayEnumerate(products) AS place
)
ARRAY JOIN grains AS grain
{more}
