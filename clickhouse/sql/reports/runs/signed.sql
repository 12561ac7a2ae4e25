-- One of several runs. With the sign -1 it is taken away: reading what is too much may be less than reading the rest.
SELECT product_id, currency, quantity * {sign_NUMBER:Int8} AS quantity, revenue * {sign_NUMBER:Int8} AS revenue
FROM {run}
