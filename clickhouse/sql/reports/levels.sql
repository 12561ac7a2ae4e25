-- A page of all levels.
{{present_levels}}
LIMIT {limit:UInt32}
