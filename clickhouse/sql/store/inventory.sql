-- Every version that was the latest as it arrived is looked at for a crossing of the threshold, in the order
-- of arrival; the last of them is stored, with the crossings found. The threshold is the event's own, else
-- the shop's, else {default_threshold:UInt32}. An alert's id is made of the event that crossed. A level that is
-- history crosses nothing; the next one is compared with it.
SELECT * EXCEPT crossed
FROM
(
    SELECT
        shop_id,
        product_id,
        location_id,
        max(new_version) AS version,
        argMax(new_quantity, new_version) AS quantity,
        argMax(updated_at, new_version) AS updated_at,
        argMax(tuple(new_name), new_version).1 AS name,
        argMax(tuple(new_sku), new_version).1 AS sku,
        argMax(tuple(own_threshold), new_version).1 AS threshold,
        argMax(is_low, new_version) AS low,
        any(old_version) AS prior_version,
        any(old_name) AS prior_name,
        arraySort(groupArrayIf(crossing, crosses)) AS crossed,
        arrayMap(c -> c.2, crossed) AS `crossings.id`,
        arrayMap(c -> c.3, crossed) AS `crossings.low`,
        arrayMap(c -> c.4, crossed) AS `crossings.quantity`,
        arrayMap(c -> c.5, crossed) AS `crossings.threshold`,
        arrayMap(c -> c.6, crossed) AS `crossings.sku`,
        arrayMap(c -> c.7, crossed) AS `crossings.at`,
        {batch:UInt64} AS batch
    FROM
    (
        SELECT
            shop_id,
            product_id,
            location_id,
            new_version,
            new_quantity,
            updated_at,
            new_name,
            new_sku,
            own_threshold,
            is_low,
            old_version,
            old_name,
            (seq, event, is_low, new_quantity, new_threshold, new_sku, updated_at) AS crossing,
            is_low != lagInFrame(is_low, 1, old_low) OVER (PARTITION BY shop_id, product_id, location_id ORDER BY seq)
                AND NOT backfill AS crosses
        FROM
        (
            SELECT
                *,
                ifNull(own_threshold, ifNull(shop_threshold, {default_threshold:UInt32})) AS new_threshold,
                new_quantity <= new_threshold AS is_low,
                max(new_version) OVER (
                    PARTITION BY shop_id, product_id, location_id ORDER BY seq ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
                ) AS before_it
            FROM
            (
                SELECT
                    seq,
                    shop_id,
                    product_id,
                    ifNull(location_id, '') AS location_id,
                    quantity AS new_quantity,
                    backfill,
                    updated_at,
                    name AS new_name,
                    sku AS new_sku,
                    low_stock_threshold AS own_threshold,
                    {{version|updated_at}} AS new_version,
                    lower(hex(substring(SHA256(arrayStringConcat([shop_id, product_id, location_id, source, event_id], '\n')), 1, 16))) AS event
                FROM staged
            ) AS new
            LEFT ANY JOIN
            (
                SELECT shop_id, product_id, location_id, version AS old_version, low AS old_low, name AS old_name
                FROM levels
                WHERE (shop_id, product_id, location_id) IN (SELECT shop_id, product_id, ifNull(location_id, '') FROM staged)
                ORDER BY shop_id, product_id, location_id, version DESC
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
        WHERE new_version > greatest(old_version, before_it)
    )
    GROUP BY shop_id, product_id, location_id
)
