-- What the windows are fed from: one insert for each batch, under one deduplication token. The windows
-- are never fed from `orders` itself: there a target may commit before its source.
CREATE TABLE IF NOT EXISTS apply_orders AS orders ENGINE = Null
