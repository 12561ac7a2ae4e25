-- The whole number next to $1 / $2, of two as near the even one; Int128, $2 above 0.
intDiv($1, $2) + if(2 * abs($1 - intDiv($1, $2) * $2) + bitAnd(intDiv($1, $2), 1) > $2, sign($1), 0)
