-- Whether an event is among those that a row remembers of its instant. A row from before they were remembered has the
-- upper half of its own hash alone.
(has($1, $2) OR has($1, bitAnd($2, 18446744069414584320)))
