-- Units of some products that sold in a period, in any currency.
WITH arrayMap(second -> toDateTime(second, 'UTC'), {boundaries:Array(UInt32)}) AS at
SELECT product_id, sum(sums.quantity) AS units
FROM {{product_period}}
    AND product_id IN {products:Array(String)}
GROUP BY product_id
