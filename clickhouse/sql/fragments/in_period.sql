-- Whether an instant is in the period of a comparison. Both sides have microseconds: beside whole seconds the engine prunes the
-- parts of the last second.
($1 >= toDateTime64({since:UInt32}, 6, 'UTC') AND $1 < toDateTime64({until:UInt32}, 6, 'UTC'))
