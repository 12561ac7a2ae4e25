-- What the windows of visits are fed from, as `apply_orders`.
CREATE TABLE IF NOT EXISTS apply_visits AS visits ENGINE = Null
