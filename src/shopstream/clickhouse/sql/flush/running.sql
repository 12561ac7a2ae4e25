-- Statements of the pipeline that run now. The embedded engine keeps a client's id as log_comment.
SELECT if(startsWith(query_id, 'shopstream-'), query_id, Settings['log_comment']) AS id
FROM system.processes
WHERE startsWith(id, 'shopstream-')
