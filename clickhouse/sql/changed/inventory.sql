-- A level changes no number of a report, but perhaps the name of a product in it.
SELECT shop_id, emptyArrayUInt32() AS slots
FROM levels
PREWHERE batch BETWEEN {first:UInt64} AND {last:UInt64}
WHERE ifNull(name, '') != ifNull(prior_name, '')
GROUP BY shop_id
