SELECT
    shop_id,
    groupUniqArrayArray(arrayMap(
        t -> toUnixTimestamp(toStartOfFifteenMinutes(t)),
        if(prior_version = 0, [at], [at, prior_at]))) AS slots
FROM payments
PREWHERE batch BETWEEN {first:UInt64} AND {last:UInt64}
GROUP BY shop_id
