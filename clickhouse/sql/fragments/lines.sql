-- What each line comes to (`amounts`) and what of it was paid back (`returned`), to 4 decimals half-even; where the line has a
-- total its refund is the part of it that the refunded quantity is. `line_sold` and `line_revenue`: what it adds to its product.
arrayMap((q, p, t) -> ifNull(toDecimal128(t, 4), {{to_4_decimals|q|p}}), item_quantity, item_unit_price, item_total) AS amounts,
arrayMap(
    (r, p, t, product, units, back) -> multiIf(
        isNotNull(back), assumeNotNull(toDecimal128(back, 4)),
        isNull(t), {{to_4_decimals|r|p}},
        toDecimal128({{half_even|product|units}}, 4) / 10000),
    item_refunded_quantity,
    item_unit_price,
    item_total,
    arrayMap((t, r) -> reinterpret(toDecimal128(ifNull(t, 0), 4), 'Int128') * reinterpret(toDecimal128(r, 4), 'Int128'), item_total, item_refunded_quantity),
    arrayMap(q -> greatest(reinterpret(toDecimal128(q, 4), 'Int128'), toInt128(1)), item_quantity),
    item_refunded_total
) AS returned,
arrayMap((q, r, k) -> if(k IN ('product', 'return'), q - r, 0), item_quantity, item_refunded_quantity, item_kind) AS line_sold,
arrayMap((a, r, k) -> if(k IN ('product', 'return'), a - r, 0), amounts, returned, item_kind) AS line_revenue,
coalesce(refunded_total, if(notEmpty(refund_amount), arraySum(refund_amount), arraySum(returned))) AS refund,
ifNull(placed_at, newer.created_at) AS placed_at
