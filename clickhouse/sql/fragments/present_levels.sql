-- The levels as they now stand, in the order of the sort key, after a position. At the beginning both ids are
-- empty, which no product's is. `named`: whether the level itself has a name.
SELECT
    product_id,
    location_id,
    sku,
    quantity,
    ifNull(levels.threshold, {threshold:UInt32}) AS threshold,
    quantity <= threshold AS low,
    isNotNull(name) AS named
FROM levels
WHERE shop_id = {shop:String}
    AND product_id >= {product:String} AND (product_id > {product:String} OR location_id > {location:String})
ORDER BY product_id, location_id, version DESC
LIMIT 1 BY product_id, location_id
