-- Payments of quarters of an hour as quarters.sql has sales: a row of those received under the currency, and one of
-- those that failed under the currency in small letters.
SELECT
    slot,
    toFixedString(if(got, currency, lower(currency)), 3),
    if(got, received, failed),
    toInt64(0),
    if(got, received_amount, failed_amount)
FROM payments_15m
ARRAY JOIN [true, false] AS got
WHERE shop_id = {shop:String} AND slot >= toDateTime({start:UInt32}, 'UTC') AND slot < toDateTime({end:UInt32}, 'UTC')
