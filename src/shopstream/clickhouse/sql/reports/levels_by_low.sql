-- Those of the levels that are low, or that are not.
SELECT *
FROM
(
{levels}
)
WHERE low = {low:Bool}
ORDER BY product_id, location_id
