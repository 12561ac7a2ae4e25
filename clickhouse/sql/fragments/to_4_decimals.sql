-- $1 x $2, of two decimals with 4 decimals each, rounded half-even to as many.
toDecimal128(roundBankers(toDecimal128($1, 4) * $2, 4), 4)
