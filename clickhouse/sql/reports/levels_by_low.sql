-- A page of those levels that are low, or of those that are not.
SELECT *
FROM
(
{{present_levels}}
)
WHERE low = {low:Bool}
ORDER BY product_id, location_id
LIMIT {limit:UInt32}
