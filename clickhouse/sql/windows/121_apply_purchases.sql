-- What the windows of purchases are fed from, as `apply_orders`.
CREATE TABLE IF NOT EXISTS apply_purchases AS purchases ENGINE = Null
