-- The lower 32 bits of a version, of an event's hash: things that differ only in it keep one order. The highest bit is
-- free, since each later version of the same instant is one greater.
toUInt128(bitAnd(bitShiftRight($1, 32), 2147483647))
