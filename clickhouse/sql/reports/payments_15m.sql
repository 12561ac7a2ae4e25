-- Payments of 15-minute buckets: a row of those received under the currency, and one of those that failed under the
-- currency in small letters.
SELECT
    slot,
    toFixedString(if(got, currency, lower(currency)), 3),
    if(got, received, failed),
    if(got, received_amount, failed_amount),
    revised
FROM payments_15m
ARRAY JOIN [true, false] AS got
WHERE shop_id = {shop:String} AND slot >= toDateTime({start:UInt32}, 'UTC') AND slot < toDateTime({end:UInt32}, 'UTC')
