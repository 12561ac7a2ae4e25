-- What some rows of `payments` change in their window: the new version added, the superseded one taken away.
SELECT
    shop_id,
    toStartOfFifteenMinutes(change.1) AS slot,
    change.2 AS currency,
    sumIf(change.4, change.3) AS received,
    sumIf(change.5, change.3) AS received_amount,
    sumIf(change.4, NOT change.3) AS failed,
    sumIf(change.5, NOT change.3) AS failed_amount,
    max(made) AS revised,
    toUInt64(0) AS batch
FROM
(
    SELECT
        shop_id,
        {{batch_time}} AS made,
        arrayConcat(
            [(at, currency, received, 1, toDecimal128(amount, 4))],
            if(prior_version = 0, [], [(prior_at, prior_currency, prior_received, -1, -toDecimal128(prior_amount, 4))])
        ) AS changes
    FROM {rows}
)
ARRAY JOIN changes AS change
GROUP BY shop_id, slot, currency
HAVING received != 0 OR failed != 0 OR received_amount != 0 OR failed_amount != 0
