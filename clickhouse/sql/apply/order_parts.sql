-- What some rows of `orders` change in windows beside sales, see fragments/beside_sales.sql: added to the rows of
-- order_windows.sql where any order of a batch has refunds with ids or parts of its total. Most batches have none, and a small
-- batch pays for the analysis of this as much as for all else.
UNION ALL
SELECT
    change.2.1 AS grain,
    shop_id,
    change.2.2 AS start,
    change.2.6 AS currency,
    if(grain = 7, change.2.3, '') AS product_id,
    change.1 * change.2.4 AS orders,
    0 AS quantity,
    change.1 * change.2.5 AS revenue,
    at AS revised
FROM
(
    SELECT
        shop_id,
        {{batch_time}} AS at,
        {{beside_sales|refunds|status|counted|currency|tax, shipping, discount, tip|placed_at}} AS beside,
        {{beside_sales|prior_refunds|prior_status|prior_counted|prior_currency|prior_tax, prior_shipping, prior_discount, prior_tip|prior_placed_at}} AS prior_beside,
        arrayConcat(
            arrayMap(r -> (1, r), arrayFilter(r -> NOT has(prior_beside, r), beside)),
            arrayMap(r -> (-1, r), arrayFilter(r -> NOT has(beside, r), prior_beside))
        ) AS changes
    FROM
    (
        SELECT *
        FROM {rows}
    )
    WHERE {{has_parts}}
)
ARRAY JOIN changes AS change
