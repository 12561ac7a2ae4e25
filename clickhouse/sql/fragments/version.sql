-- UInt128: microseconds of an instant, then the tie. It does not depend on arrival.
bitOr(bitShiftLeft(toUInt128(toUnixTimestamp64Micro($1)), 64), {{tie}})
