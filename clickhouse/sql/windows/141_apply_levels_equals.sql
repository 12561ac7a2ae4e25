-- The columns of `levels`, in their order.
ALTER TABLE apply_levels ADD COLUMN IF NOT EXISTS equals Array(UInt64)
DEFAULT [bitShiftLeft(toUInt64(bitAnd(version, 4294967295)), 32)]
COMMENT 'hashes of the events at the instant of the version, its own the last'
