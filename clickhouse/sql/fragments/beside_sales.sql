-- What an order's refunds with ids and parts of totals are, as (grain, quarter of an hour, id or name, number, amount, currency),
-- each of them once: 6 refunds at their own time; 7 parts of the total ($5: tax, shipping, discount, tip) at that
-- of the order, $6.
if(
    NOT $3 AND $2 != 'refunded',
    [],
    arrayConcat(
        arrayMap((i, t, a) -> (6, toStartOfFifteenMinutes(t), i, 1, toDecimal128(a, 4), toString($4)), `$1.id`, `$1.at`, `$1.amount`),
        arrayFilter(r -> r.5 != 0, arrayMap(
            (n, a) -> (7, toStartOfFifteenMinutes($6), n, 0, toDecimal128(if($3, ifNull(a, 0), 0), 4), toString($4)),
            ['tax', 'shipping', 'discount', 'tip'],
            [$5]))
    )
)
