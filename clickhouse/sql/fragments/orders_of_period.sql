-- The orders as they now stand that were created in a period, and those of other times that are of it otherwise: placed in it,
-- or $1. Partitions and sort key serve the first part, and few orders are in the second.
(
    SELECT *
    FROM orders FINAL
    WHERE {{in_period|created_at}}
        AND {{of_shop}}
    UNION ALL
    SELECT *
    FROM orders FINAL
    WHERE NOT {{in_period|created_at}}
        AND (shop_key, created_at, order_key) IN
        (
            SELECT shop_key, created_at, order_key
            FROM orders
            WHERE (placed_at != created_at AND {{in_period|placed_at}} OR $1)
                AND {{of_shop}}
        )
        AND {{of_shop}}
)
