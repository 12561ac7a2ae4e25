-- Payments of a period in one currency.
SELECT
    sum(paid.received) AS received,
    sum(paid.received_amount) AS received_amount,
    sum(paid.failed) AS failed,
    sum(paid.failed_amount) AS failed_amount
FROM payments_15m AS paid
WHERE shop_id = {shop:String} AND slot >= toDateTime({start:UInt32}, 'UTC') AND slot < toDateTime({end:UInt32}, 'UTC')
    AND currency = {currency:String}
