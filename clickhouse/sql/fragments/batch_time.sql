-- The time of a batch, from its id, in whole seconds.
toDateTime(intDiv(bitShiftRight(batch, 22), 1000) + 1704067200, 'UTC')
