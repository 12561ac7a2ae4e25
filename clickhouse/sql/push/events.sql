-- The first accepted events of a shop in some ranges of offsets. Which ones is found without their bodies: by arrival,
-- but never against the offsets of a partition, since the clock of a broker may go back. An event that the pipeline
-- stored twice is there once. Rows come in any order.
SELECT topic, partition, epoch, offset, toUnixTimestamp64Milli(arrived) AS at_ms, type, user_id, raw
FROM events
WHERE shop_id = {shop:String}
  AND (topic, epoch, partition, offset) IN (
    SELECT topic, epoch, partition, offset
    FROM (
        SELECT
            topic, epoch, partition, offset,
            max(arrived) OVER (PARTITION BY topic, epoch, partition ORDER BY offset) AS reached
        FROM (
            SELECT topic, epoch, partition, offset, min(arrived) AS arrived
            FROM events
            WHERE shop_id = {shop:String}
              AND ({ranges})
              AND type IN {types:Array(String)}
              AND (user_id IS NULL OR user_id = {user:String})
              AND NOT backfill
            GROUP BY topic, epoch, partition, offset
        )
    )
    ORDER BY reached, topic, partition, offset
    LIMIT {limit:UInt32}
  )
LIMIT 1 BY topic, epoch, partition, offset
