-- What newest_orders.sql reads as columns of newer_orders.sql: `version` and `equals`.
bitShiftRight(prior_version, 32) AS prior_instant,
instant = prior_instant AS equal,
bitOr(
    bitShiftLeft(instant, 32),
    if(equal, least(toUInt128(4294967295), bitAnd(prior_version, toUInt128(4294967295)) + 1), {{tie|event}})
) AS version,
if(equal, arraySlice(arrayPushBack(prior_equals, event), -1000), [event]) AS equals
