-- The changes of order_windows.sql, one row a key. The engine could add them up as it inserts them, but sorts all of them for
-- that, and adds row by row; of few rows that is less than the analysis of this.
SELECT grain, shop_id, start, currency, product_id, sum(orders), sum(quantity), sum(revenue), max(revised)
FROM
(
{changes}
)
GROUP BY grain, shop_id, start, currency, product_id
