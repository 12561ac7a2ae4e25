-- The lower 32 bits of a version: of two events at one instant the same one wins, whatever arrives first.
toUInt128(reinterpretAsUInt32(reverse(substring(SHA256(concat(source, '\n', event_id)), 1, 4))))
