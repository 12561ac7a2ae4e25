-- The windows of orders, see 129, and beside them what of the totals of orders is no revenue (`returned_15m`), refunds at their
-- own time (`refunds_15m`, where `orders` counts them) and parts of totals (`parts_15m`, where `product_id` names the part):
-- rows, not columns, since most orders have none of it. `revised` is a maximum among the sums: it keeps rows of zeros, which
-- say when they became so. Made of the orders as they now stand; of a batch that is not applied yet the superseded
-- versions count. When the numbers last changed is known where the version that stands changed them.
CREATE OR REPLACE TABLE order_windows (
    grain Enum8('sales_15m' = 1, 'product_15m' = 2, 'product_day' = 3, 'product_month' = 4, 'returned_15m' = 5, 'refunds_15m' = 6, 'parts_15m' = 7),
    shop_id LowCardinality(String),
    start DateTime('UTC'),
    currency LowCardinality(String),
    product_id String COMMENT 'empty where no product is meant',
    orders Int64,
    quantity Decimal(38, 4),
    revenue Decimal(38, 4),
    revised SimpleAggregateFunction(max, DateTime('UTC')) COMMENT 'of sales and refunds: when they last changed'
)
ENGINE = SummingMergeTree
ORDER BY (grain, shop_id, start, currency, product_id)
SETTINGS index_granularity = 512, non_replicated_deduplication_window = 20000
AS
SELECT
    part.1 AS grain,
    shop_id,
    part.2 AS start,
    currency,
    part.3 AS product_id,
    part.4 AS orders,
    part.5 AS quantity,
    part.6 AS revenue,
    if(part.1 IN (1, 6), at, toDateTime(0, 'UTC')) AS revised
FROM
(
    SELECT
        shop_id,
        toStartOfFifteenMinutes(created_at) AS slot,
        if(is_open, prior_counted, counted) AS counts,
        if(is_open, prior_status, status) AS standing,
        if(is_open, prior_currency, currency) AS currency,
        toDecimal128(if(is_open, prior_total, total), 4) AS whole,
        toDecimal128(if(is_open, prior_refund, refund), 4) AS back,
        if(counts, back, whole) AS returned,
        if(is_open, `prior_refunds.at`, `refunds.at`) AS paid_at,
        arrayMap(a -> toDecimal128(a, 4), if(is_open, `prior_refunds.amount`, `refunds.amount`)) AS paid,
        returned - arraySum(paid) AS rest,
        if(is_open OR (counted, currency, total, refund) = (prior_counted, prior_currency, prior_total, prior_refund),
            toDateTime(0, 'UTC'),
            toDateTime(intDiv(bitShiftRight(batch, 22), 1000) + 1704067200, 'UTC')) AS at,
        if(is_open, `prior_items.product_id`, `items.product_id`) AS products,
        arrayMap(s -> toDecimal128(s, 4), if(is_open, `prior_items.sold`, `items.sold`)) AS sold,
        if(is_open, `prior_items.revenue`, `items.revenue`) AS amounts,
        toDecimal128(0, 4) AS nothing,
        arrayJoin(arrayConcat(
            if(counts, [(1, slot, '', 1, arraySum(sold), whole - back)], []),
            if(counts, arrayMap((p, q, a) -> (2, slot, p, 0, q, a), products, sold, amounts), []),
            if(counts, arrayMap((p, q, a) -> (3, toStartOfDay(created_at), p, 0, q, a), products, sold, amounts), []),
            if(counts, arrayMap((p, q, a) -> (4, toDateTime(toStartOfMonth(created_at), 'UTC'), p, 0, q, a), products, sold, amounts), []),
            [(5, slot, '', 0, nothing, returned)],
            arrayMap((t, a) -> (6, toStartOfFifteenMinutes(t), '', 1, nothing, a), paid_at, paid),
            if(rest = 0, [], [(6, slot, '', 1, nothing, rest)]),
            if(counts, arrayMap((p, a) -> (7, slot, p, 0, nothing, toDecimal128(ifNull(a, 0), 4)),
                ['tax', 'shipping', 'discount', 'tip'],
                if(is_open, [prior_tax, prior_shipping, prior_discount, prior_tip], [tax, shipping, discount, tip])), [])
        )) AS part
    FROM
    (
        SELECT
            *,
            batch IN
            (
                SELECT batch
                FROM batches
                WHERE batch > bitShiftLeft(toUInt64((toUnixTimestamp(now()) - 30 * 86400) * 1000 - 1704067200000), 22)
                GROUP BY batch
                HAVING max(applied) = 0
            ) AS is_open
        FROM orders FINAL
    )
    WHERE standing NOT IN ('', 'cancelled', 'failed')
)
WHERE part.1 IN (1, 2, 3, 4, 6) OR part.6 != 0
