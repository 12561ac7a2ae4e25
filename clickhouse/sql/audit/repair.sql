-- Adds what is missing; nothing where another auditor has taken over.
INSERT INTO {window} ({columns})
SELECT {columns}
FROM fixes
WHERE {{fence}}
