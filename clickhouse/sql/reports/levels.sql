-- A page of all levels (see runs/levels.sql).
{levels}
LIMIT {limit:UInt32}
