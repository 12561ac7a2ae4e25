SELECT shop_id, groupUniqArrayArray(arrayMap(s -> toUnixTimestamp(s), `changes.slot`)) AS slots
FROM visits
PREWHERE batch BETWEEN {first:UInt64} AND {last:UInt64}
GROUP BY shop_id
