-- UInt128: microseconds of a time, then the revision in 32 bits. Versions with the same one are equal: arrival decides.
bitOr(bitShiftLeft(toUInt128(toUnixTimestamp64Micro($1)), 32), toUInt128($2))
