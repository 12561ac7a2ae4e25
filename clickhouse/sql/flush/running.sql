-- Statements of the pipeline that run now.
SELECT query_id AS id
FROM system.processes
WHERE startsWith(query_id, 'shopstream-')
