-- The latest progress of each partition.
SELECT
    topic,
    partition,
    argMax(epoch, at) AS epoch,
    argMax(next, at) AS next,
    argMax(progress.as_of, at) AS as_of
FROM progress
GROUP BY topic, partition
