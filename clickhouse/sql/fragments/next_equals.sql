-- What the row of that version remembers: the last 1,000 events of its instant.
arraySlice(
    arrayConcat(if(fresh[1].1 = bitShiftRight(prior_version, 32), prior_equals, []), arrayMap(e -> e.3, fresh)),
    -1000
)
