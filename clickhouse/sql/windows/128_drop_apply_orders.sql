-- What fed the former windows of orders. SYNC waits for statements that write through them.
DROP TABLE IF EXISTS apply_orders, to_sales_15m, to_product_15m, to_product_day, to_product_month, to_order_places, to_product_names, to_first_orders SYNC
