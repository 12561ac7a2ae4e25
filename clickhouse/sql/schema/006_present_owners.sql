CREATE VIEW IF NOT EXISTS present_owners AS
SELECT topic, partition, max(claim) AS claim
FROM owners
GROUP BY topic, partition
