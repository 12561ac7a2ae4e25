-- What an order adds beside its sales, as (grain, quarter of an hour, id or name, number, amount, currency), each of them once:
-- 5 what of its total is no revenue; 6 refunds at their own time, and under the id '' what they leave of all that was paid
-- back, at the time of the order; 7 parts of the total ($7: tax, shipping, discount, tip). Most orders have nothing of it.
if(
    $2 IN ('', 'cancelled', 'failed') OR ($3 AND $6 = 0 AND empty(`$1.id`) AND coalesce($7) IS NULL),
    [],
    arrayFilter(r -> r.3 != '' AND r.1 = 6 OR r.5 != 0, arrayConcat(
        arrayMap((i, t, a) -> (6, toStartOfFifteenMinutes(t), i, 1, toDecimal128(a, 4), toString($4)), `$1.id`, `$1.at`, `$1.amount`),
        [
            (6, toStartOfFifteenMinutes(created_at), '', 1, toDecimal128(if($3, $6, $5), 4) - arraySum(`$1.amount`), toString($4)),
            (5, toStartOfFifteenMinutes(created_at), '', 0, toDecimal128(if($3, $6, $5), 4), toString($4))
        ],
        arrayMap(
            (n, a) -> (7, toStartOfFifteenMinutes(created_at), n, 0, toDecimal128(if($3, ifNull(a, 0), 0), 4), toString($4)),
            ['tax', 'shipping', 'discount', 'tip'],
            [$7])
    ))
)
