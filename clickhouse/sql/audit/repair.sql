-- Adds what is missing; nothing where another auditor has taken over.
INSERT INTO {window} ({columns})
SELECT {values}
FROM fixes
WHERE {{fence}}
