-- Commit markers (flush/apply.sql): a row for each batch, with its id as `product_id`, of no shop and no time.
ALTER TABLE order_windows MODIFY COLUMN grain Enum8('sales_15m' = 1, 'product_15m' = 2, 'product_day' = 3, 'product_month' = 4, 'returned_15m' = 5, 'refunds_15m' = 6, 'parts_15m' = 7, 'commit_marker' = 8)
