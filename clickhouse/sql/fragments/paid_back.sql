-- What of an order's total is no revenue: of a cancelled or failed order nothing. $1 status, $2 counted, $3 total, $4 refund.
toDecimal128(multiIf($1 IN ('', 'cancelled', 'failed'), 0, $2, $4, $3), 4)
