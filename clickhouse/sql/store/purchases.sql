-- A purchase is open where it was created and not received. Each fact that is new, or earlier than the stored
-- one, goes in (of two at the same instant the first that arrived stands); the difference between what is open now and what was goes with the first of them.
SELECT
    shop_key,
    purchase_key,
    received,
    shop_id,
    purchase_id,
    age,
    supplier_id,
    at,
    expected_at,
    product_id AS `items.product_id`,
    quantity AS `items.quantity`,
    cost AS `items.cost`,
    arrayMap(c -> c.1, change) AS `changes.product_id`,
    arrayMap(c -> c.2, change) AS `changes.units`,
    {batch:UInt64} AS batch
FROM
(
    SELECT
        *,
        if(
            received = min(received) OVER facts,
            arrayConcat(
                if(closed_now, [], opened_now),
                if(closed_before, [], arrayMap(u -> (u.1, -u.2), opened_before))
            ),
            []
        ) AS change
    FROM
    (
        SELECT
            *,
            max(received) OVER facts OR closed_before AS closed_now,
            argMin(if(received, opened_before, arrayZip(product_id, quantity)), received) OVER facts AS opened_now
        FROM
        (
            SELECT
                new.*,
                known.closed AS closed_before,
                known.opened AS opened_before
            FROM
            (
                SELECT
                    {{shop_key|shop_id}} AS shop_key,
                    cityHash64(purchase_id) AS purchase_key,
                    type = 'purchase:received' AS received,
                    shop_id,
                    purchase_id,
                    bitNot(bitOr(bitShiftLeft({{instant|at|0}}, 32), {{tie|{{event_hash}}}})) AS age,
                    supplier_id,
                    at,
                    expected_at,
                    item_product_id AS product_id,
                    item_quantity AS quantity,
                    item_unit_cost AS cost
                FROM staged
                ORDER BY shop_key, purchase_key, received, at, seq
                LIMIT 1 BY shop_key, purchase_key, received
            ) AS new
            LEFT ANY JOIN
            (
                SELECT
                    shop_key,
                    purchase_key,
                    max(received) AS closed,
                    argMaxIf(arrayZip(`items.product_id`, `items.quantity`), age, NOT received) AS opened,
                    maxIf(age, received) AS received_age,
                    maxIf(age, NOT received) AS created_age
                FROM purchases
                WHERE (shop_key, purchase_key) IN
                    (SELECT {{shop_key|shop_id}}, cityHash64(purchase_id) FROM staged)
                GROUP BY shop_key, purchase_key
            ) AS known USING (shop_key, purchase_key)
            WHERE bitShiftRight(age, 64) > bitShiftRight(if(received, known.received_age, known.created_age), 64)
        )
        WINDOW facts AS (PARTITION BY shop_key, purchase_key)
    )
    WINDOW facts AS (PARTITION BY shop_key, purchase_key)
)
