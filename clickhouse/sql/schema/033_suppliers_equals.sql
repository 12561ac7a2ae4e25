-- As of `orders`.
ALTER TABLE suppliers ADD COLUMN IF NOT EXISTS equals Array(UInt64)
DEFAULT [bitShiftLeft(toUInt64(bitAnd(version, 4294967295)), 32)]
COMMENT 'hashes of the events at the instant of the version, its own the last'
