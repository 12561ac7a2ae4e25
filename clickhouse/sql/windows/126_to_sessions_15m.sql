CREATE MATERIALIZED VIEW IF NOT EXISTS to_sessions_15m TO sessions_15m AS
SELECT shop_id, slot, gap, sum(change) AS visits
FROM apply_visits
ARRAY JOIN `changes.slot` AS slot, `changes.gap` AS gap, `changes.visits` AS change
GROUP BY shop_id, slot, gap
HAVING visits != 0
