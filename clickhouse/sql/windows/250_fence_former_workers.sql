-- From here on *apply* writes into the windows itself, with a marker beside what it changes. A worker of the version before,
-- should one still run, writes nothing from now on: all of its claims are too old.
INSERT INTO owners
SELECT topic, partition, max(claim) + 1
FROM owners
GROUP BY topic, partition
