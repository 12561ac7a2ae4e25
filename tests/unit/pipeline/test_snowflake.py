"""Ids of batches and claims."""

from pipeline.snowflake import Snowflake, first_id_at


def test_two_writers_never_claim_the_same_above_a_claim_that_is_ahead() -> None:
    ahead = first_id_at(2e9) + 5
    one, two = (Snowflake(clock=lambda: 1.8e9, writer=number) for number in (1, 2))
    claims = {one.above(ahead), two.above(ahead)}
    assert len(claims) == 2
    assert min(claims) > ahead
    assert one.next() < ahead
