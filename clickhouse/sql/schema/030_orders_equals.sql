-- Hashes of the events that came at the instant of the version, in the order of arrival, its own the last: the last
-- 1,000 of them. One that comes again changes nothing. Of a row from before this column only half of its own hash is known.
ALTER TABLE orders ADD COLUMN IF NOT EXISTS equals Array(UInt64)
DEFAULT [bitShiftLeft(toUInt64(bitAnd(version, 4294967295)), 32)]
COMMENT 'hashes of the events at the instant of the version, its own the last'
