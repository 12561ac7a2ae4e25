-- What of an order's total is no revenue: of one that neither counts nor is refunded nothing. $1 status, $2 counted, $3 total, $4 refund.
toDecimal128(multiIf($2, $4, $1 = 'refunded', $3, 0), 4)
