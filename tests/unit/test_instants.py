"""An instant that was kept, told after somebody set the clock."""

import pytest

from shopstream.instants import KEPT, SMALL, Instants

NOON = 1_700_000_000.0


class Clocks:
    def __init__(self) -> None:
        self.seconds, self.lead = 100.0, NOON
        self.instants = Instants(lambda: self.seconds, lambda: self.seconds + self.lead)

    def told(self, at: float) -> float:
        """Seconds that the wall clock then showed more than NOON."""
        return round(self.instants.wall(at) + SMALL - NOON, 3)


def test_an_instant_stays_what_it_was() -> None:
    clocks = Clocks()
    clocks.seconds = 5_000.0
    assert clocks.told(100.0) == 100
    assert clocks.instants.shift(100.0) == 0


def test_a_clock_that_is_set_back_takes_instants_with_it() -> None:
    clocks = Clocks()
    clocks.seconds, clocks.lead = 110.0, NOON - 3600
    assert clocks.told(105.0) == 105 - 3600
    assert clocks.instants.shift(105.0) == -3600
    assert clocks.instants.times_set_back == 1
    clocks.seconds = 120.0
    assert clocks.told(115.0) == 115 - 3600
    assert clocks.instants.shift(115.0) == 0


def test_a_clock_that_is_set_forward_does_not() -> None:
    clocks = Clocks()
    clocks.seconds, clocks.lead = 110.0, NOON + 3600
    assert clocks.told(105.0) == 105
    clocks.seconds = 120.0
    assert clocks.told(115.0) == 115 + 3600
    assert clocks.told(105.0) == 105
    assert clocks.instants.times_set_back == 0


def test_back_and_forward_again_leaves_the_lesser() -> None:
    clocks = Clocks()
    for lead in (NOON - 3600, NOON):
        clocks.seconds, clocks.lead = clocks.seconds + 10, lead
        clocks.instants.wall(0.0)
    assert clocks.told(105.0) == 105 - 3600
    clocks.seconds += 1
    assert clocks.told(clocks.seconds) == clocks.seconds


def test_a_clock_that_is_slowed_down_was_not_set_back() -> None:
    clocks = Clocks()
    for _ in range(1000):
        clocks.seconds, clocks.lead = clocks.seconds + 1, clocks.lead - 0.002
        assert clocks.instants.wall(clocks.seconds) <= clocks.seconds + clocks.lead
    assert clocks.instants.times_set_back == 0
    assert len(clocks.instants._leads) == KEPT


@pytest.mark.parametrize("steps", [KEPT - 2, 3 * KEPT])
def test_an_instant_is_never_told_later_than_any_clock_said_since(steps: int) -> None:
    clocks = Clocks()
    least = NOON
    for number in range(steps):
        clocks.seconds, clocks.lead = (
            clocks.seconds + 1,
            NOON + (-1) ** number * 100 * (steps - number),
        )
        least = min(least, clocks.lead)
        assert clocks.instants.wall(100.5) <= 100.5 + least


def test_the_real_clocks_agree_with_themselves() -> None:
    instants = Instants()
    behind = instants.now().timestamp() - instants.wall(instants.steady())
    assert 0 <= behind < 0.1
