-- The same as lines.sql, of lines of products that have whole quantities, and no totals or refunds of their own: there is nothing to round.
arrayMap((q, p) -> toDecimal128(p, 4) * toInt64(q), item_quantity, item_unit_price) AS amounts,
arrayMap((r, p) -> toDecimal128(p, 4) * toInt64(r), item_refunded_quantity, item_unit_price) AS returned,
arrayMap((q, r) -> q - r, item_quantity, item_refunded_quantity) AS line_sold,
arrayMap((a, r) -> a - r, amounts, returned) AS line_revenue,
coalesce(refunded_total, arraySum(returned)) AS refund
