-- Every version that was the latest as it arrived is looked at for a crossing of the threshold, in the order
-- of arrival; the last of them is stored, with the crossings found. The threshold is the event's own, else
-- the shop's, else {default_threshold:UInt32}. An alert's id is made of the event that crossed. A level that is
-- history crosses nothing; the next one is compared with it.
SELECT
    shop_id,
    product_id,
    location_id,
    {{next_version}} AS version,
    latest.1 AS quantity,
    latest.2 AS updated_at,
    latest.3 AS name,
    latest.4 AS sku,
    latest.5 AS threshold,
    latest.6 AS unit,
    latest.7 AS low,
    prior_version,
    prior_name,
    arrayMap(c -> c.2, crossed) AS `crossings.id`,
    arrayMap(c -> c.3, crossed) AS `crossings.low`,
    arrayMap(c -> c.4, crossed) AS `crossings.quantity`,
    arrayMap(c -> c.5, crossed) AS `crossings.threshold`,
    arrayMap(c -> c.6, crossed) AS `crossings.sku`,
    arrayMap(c -> c.7, crossed) AS `crossings.at`,
    {batch:UInt64} AS batch,
    {{next_equals}} AS equals
FROM
(
    SELECT
        shop_id,
        product_id,
        location_id,
        argMax((quantity, updated_at, name, sku, own_threshold, unit, is_low), seq) AS latest,
        arraySort(groupArray((instant, seq, event))) AS accepted,
        arrayFilter(e -> e.1 = accepted[-1].1, accepted) AS fresh,
        any(stored_version) AS prior_version,
        any(stored_equals) AS prior_equals,
        any(stored_name) AS prior_name,
        arraySort(groupArrayIf(crossing, crosses)) AS crossed
    FROM
    (
        SELECT
            *,
            (seq, alert, is_low, quantity, new_threshold, sku, updated_at) AS crossing,
            is_low != lagInFrame(is_low, 1, stored_low) OVER (PARTITION BY shop_id, product_id, location_id ORDER BY seq)
                AND NOT backfill AS crosses
        FROM
        (
            SELECT
                *,
                ifNull(own_threshold, ifNull(shop_threshold, {default_threshold:UInt32})) AS new_threshold,
                quantity <= new_threshold AS is_low,
                bitShiftRight(stored_version, 32) AS stored_instant,
                max(instant) OVER (
                    PARTITION BY shop_id, product_id, location_id ORDER BY seq ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
                ) AS before_it,
                row_number() OVER (PARTITION BY shop_id, product_id, location_id, instant, event ORDER BY seq) AS nth
            FROM
            (
                SELECT
                    seq,
                    shop_id,
                    product_id,
                    ifNull(location_id, '') AS location_id,
                    quantity,
                    backfill,
                    updated_at,
                    name,
                    sku,
                    low_stock_threshold AS own_threshold,
                    unit,
                    {{instant|updated_at|0}} AS instant,
                    {{event_hash}} AS event,
                    lower(hex(substring(SHA256(arrayStringConcat([shop_id, product_id, location_id, source, event_id], '\n')), 1, 16))) AS alert
                FROM staged
            ) AS new
            LEFT ANY JOIN
            (
                SELECT
                    shop_id,
                    product_id,
                    location_id,
                    version AS stored_version,
                    equals AS stored_equals,
                    low AS stored_low,
                    name AS stored_name
                FROM levels
                WHERE (shop_id, product_id, location_id) IN (SELECT shop_id, product_id, ifNull(location_id, '') FROM staged)
                ORDER BY shop_id, product_id, location_id, version DESC, length(equals) DESC
                LIMIT 1 BY shop_id, product_id, location_id
            ) AS old USING (shop_id, product_id, location_id)
            LEFT ANY JOIN
            (
                SELECT shop_id, low_stock_threshold AS shop_threshold
                FROM shops
                WHERE shop_id IN (SELECT shop_id FROM staged)
                ORDER BY shop_id, version DESC
                LIMIT 1 BY shop_id
            ) AS shop USING (shop_id)
        )
        WHERE nth = 1
            AND instant >= greatest(stored_instant, before_it)
            AND NOT (instant = stored_instant AND {{known|stored_equals|event}})
    )
    GROUP BY shop_id, product_id, location_id
)
