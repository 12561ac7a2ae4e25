-- Payments of 15-minute buckets, in the columns of sales (`_ROW` of api/reports/sums.py): a row of those received under the currency,
-- and one of those that failed under the currency in small letters.
SELECT
    slot,
    toFixedString(if(got, currency, lower(currency)), 3),
    if(got, received, failed),
    toDecimal128(0, 4),
    if(got, received_amount, failed_amount),
    toDecimal128(0, 4),
    toInt64(0),
    toDecimal128(0, 4),
    revised,
    toDateTime(0, 'UTC')
FROM payments_15m
ARRAY JOIN [true, false] AS got
WHERE shop_id = {shop:String} AND slot >= toDateTime({start:UInt32}, 'UTC') AND slot < toDateTime({end:UInt32}, 'UTC')
