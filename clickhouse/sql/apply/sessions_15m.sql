-- What some rows of `visits` change in their window: they say it themselves.
SELECT shop_id, change.1 AS slot, change.2 AS gap, sum(change.3) AS visits, toUInt64(0) AS batch
FROM
(
    SELECT shop_id, arrayZip(`changes.slot`, `changes.gap`, `changes.visits`) AS changes
    FROM {rows}
)
ARRAY JOIN changes AS change
GROUP BY shop_id, slot, gap
HAVING visits != 0
