-- What fed the names of levels, which a statement of *apply* writes now. Tables and views that fed the windows of payments,
-- purchases and visits stay for batches that a version before began (`apply_statement`). SYNC waits for statements that write
-- through them.
DROP TABLE IF EXISTS apply_levels, to_level_names SYNC
