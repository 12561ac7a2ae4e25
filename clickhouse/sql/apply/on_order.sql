-- What some rows of `purchases` change of the units on order: they say it themselves.
SELECT shop_id, change.1 AS product_id, sum(change.2) AS units, toUInt64(0) AS batch
FROM
(
    SELECT shop_id, arrayZip(`changes.product_id`, `changes.units`) AS changes
    FROM {rows}
)
ARRAY JOIN changes AS change
GROUP BY shop_id, product_id
HAVING units != 0
