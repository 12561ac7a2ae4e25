-- Sums of each product in each bucket of a run (see runs/), in each currency; units and revenue in 1/10000, each as the
-- lower and the upper half of 128 bits. `begin`: the first instant of the part, Unix seconds.
SELECT
    {begin} AS begin,
    currency,
    product_id,
    toUInt64(bitAnd(reinterpret(sum(sums.quantity), 'Int128') AS quantity, 18446744073709551615)) AS low_quantity,
    toInt64(bitShiftRight(quantity, 64)) AS high_quantity,
    toUInt64(bitAnd(reinterpret(sum(sums.revenue), 'Int128') AS revenue, 18446744073709551615)) AS low,
    toInt64(bitShiftRight(revenue, 64)) AS high
FROM {sums}
GROUP BY begin, currency, product_id
