-- Nothing reads them any more.
DROP TABLE IF EXISTS sales_15m, product_15m, product_day, product_month SYNC
