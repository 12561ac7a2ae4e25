-- What the windows of levels are fed from, as `apply_orders`.
CREATE TABLE IF NOT EXISTS apply_levels AS levels ENGINE = Null
