-- All windows of orders in one table: a batch costs the engine one insert instead of four. `grain` says of which window
-- a row is: of sales (product_id is '') or of products, by the quarter of an hour, the day or the month (UTC) that
-- begins at `start`. Every time zone since 2000 has an offset that quarters of an hour divide.
-- Made of the orders as they now stand. A batch that was begun and is not applied yet is left out: of its rows the
-- superseded versions count, and its owner adds the difference, once, when it repeats the step; see flush/open_batches.sql.
CREATE OR REPLACE TABLE order_windows (
    grain Enum8('sales_15m' = 1, 'product_15m' = 2, 'product_day' = 3, 'product_month' = 4),
    shop_id LowCardinality(String),
    start DateTime('UTC'),
    currency LowCardinality(String),
    product_id String COMMENT 'empty in rows of sales',
    orders Int64,
    quantity Decimal(38, 4),
    revenue Decimal(38, 4)
)
ENGINE = SummingMergeTree
ORDER BY (grain, shop_id, start, currency, product_id)
SETTINGS index_granularity = 512, non_replicated_deduplication_window = 20000
AS
SELECT
    grain,
    shop_id,
    [toStartOfFifteenMinutes(created_at), toStartOfFifteenMinutes(created_at), toStartOfDay(created_at), toDateTime(toStartOfMonth(created_at), 'UTC')][grain] AS start,
    currency,
    product_id,
    if(product_id = '', 1, 0) AS orders,
    bought - returned AS quantity,
    if(product_id = '', 1, bought - returned) * toDecimal128(price, 4) AS revenue
FROM
(
    SELECT
        shop_id,
        created_at,
        if(is_open, prior_counted, counted) AS counts,
        if(is_open, prior_currency, currency) AS currency,
        arrayPushBack(if(is_open, `prior_items.product_id`, `items.product_id`), '') AS products,
        if(is_open, `prior_items.quantity`, `items.quantity`) AS units,
        if(is_open, `prior_items.refunded`, `items.refunded`) AS given_back,
        arrayPushBack(units, arraySum(units)) AS quantities,
        arrayPushBack(given_back, arraySum(given_back)) AS refunds,
        arrayPushBack(if(is_open, `prior_items.price`, `items.price`), if(is_open, prior_total - prior_refund, total - refund)) AS prices
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
    WHERE counts
)
ARRAY JOIN products AS product_id, quantities AS bought, refunds AS returned, prices AS price
ARRAY JOIN if(product_id = '', [1], [2, 3, 4]) AS grain
