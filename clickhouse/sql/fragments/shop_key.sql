-- Of a shop's id: eight bytes, so that keys stay small.
reinterpretAsUInt64(substring(SHA256($1), 1, 8))
