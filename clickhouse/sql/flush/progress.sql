-- Stores how far the reports are. `at` says which row is the latest: it grows whatever the clock does, or rows from before a
-- clock was set back would stand for that long.
INSERT INTO progress
SELECT
    topic,
    partition,
    epoch,
    next,
    as_of,
    greatest(now64(6, 'UTC'), (SELECT max(at) FROM progress) + toIntervalMillisecond(1)) AS at
FROM saved
