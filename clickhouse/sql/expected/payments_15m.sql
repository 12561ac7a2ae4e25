SELECT
    shop_id,
    toStartOfFifteenMinutes(at) AS slot,
    toString(currency) AS currency,
    toInt64(countIf(is_received)) AS received,
    sumIf(value, is_received) AS received_amount,
    toInt64(countIf(NOT is_received)) AS failed,
    sumIf(value, NOT is_received) AS failed_amount
FROM
(
    SELECT shop_id, at, currency, received AS is_received, toDecimal128(amount, 4) AS value
    FROM payments FINAL
    WHERE {{in_period|at}}
        AND {{of_shop}}
)
GROUP BY shop_id, slot, currency
