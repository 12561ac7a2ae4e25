-- What the windows of payments are fed from, as `apply_orders`.
CREATE TABLE IF NOT EXISTS apply_payments AS payments ENGINE = Null
