-- The version after `prior_version` that `fresh` makes, events of one instant in the order of arrival as (instant, seq, hash).
bitOr(
    bitShiftLeft(fresh[1].1, 32),
    least(
        toUInt128(4294967295),
        if(
            fresh[1].1 = bitShiftRight(prior_version, 32),
            bitAnd(prior_version, toUInt128(4294967295)) + length(fresh),
            {{tie|fresh[1].3}} + length(fresh) - 1
        )
    )
)
