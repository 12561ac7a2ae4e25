"""Requests of one token, and reports under way."""

import pytest

from api import rate
from api.concurrency import ALWAYS, SLOW_SECONDS, ConcurrencyLimit, Shares
from api.faults import Busy, TooMany
from api.rate import Rate


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def taken(limit: Rate, token: str, times: int) -> int:
    found = 0
    for _ in range(times):
        try:
            limit.count(token)
        except TooMany:
            continue
        found += 1
    return found


def test_a_token_has_two_seconds_at_once_and_then_its_rate() -> None:
    clock = Clock()
    limit = Rate(5, clock)
    assert taken(limit, "a", 100) == 10
    clock.now += 1
    assert taken(limit, "a", 100) == 5
    clock.now += 3600
    assert taken(limit, "a", 100) == 10


def test_tokens_do_not_count_for_each_other() -> None:
    limit = Rate(1, Clock())
    assert [taken(limit, token, 5) for token in ("a", "b", "a")] == [2, 2, 0]


def test_a_refusal_says_when_to_come_again_and_costs_nothing() -> None:
    clock = Clock()
    limit = Rate(0.1, clock)
    limit.count("a")
    for wait in (10, 9, 8):
        with pytest.raises(TooMany) as fault:
            limit.count("a")
        assert fault.value.retry_after == wait
        clock.now += 1
    clock.now += 7
    limit.count("a")


def test_without_a_limit_nothing_is_counted() -> None:
    limit = Rate(0, Clock())
    assert taken(limit, "a", 1000) == 1000
    assert not limit._paid


def test_only_so_many_tokens_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rate, "MEMORY", 100)
    limit = Rate(1, Clock())
    for number in range(1000):
        limit.count(f"t{number}")
    assert len(limit._paid) == 100
    assert taken(limit, "t999", 5) == 1


def test_a_gate_lets_so_many_in_and_the_next_when_one_has_left() -> None:
    gate = ConcurrencyLimit(2, clock=Clock())
    with gate.slot():
        with gate.slot():
            with pytest.raises(Busy), gate.slot():
                pass
            assert len(gate) == 2
        with gate.slot():
            assert len(gate) == 2
    assert len(gate) == 0


def test_what_fails_inside_leaves_its_place() -> None:
    gate = ConcurrencyLimit(1, clock=Clock())
    with pytest.raises(ZeroDivisionError), gate.slot():
        raise ZeroDivisionError
    assert len(gate) == 0


@pytest.mark.parametrize("patient", [False, True])
def test_a_slow_one_behind_the_gate_lets_only_a_few_more_in(patient: bool) -> None:
    clock = Clock()
    gate = ConcurrencyLimit(1000, patient=patient, clock=clock)
    slots = [gate.slot() for _ in range(ALWAYS)]
    for place in slots:
        place.__enter__()
    with gate.slot():
        pass
    clock.now += SLOW_SECONDS + 0.1
    if patient:
        with gate.slot():
            pass
    else:
        with pytest.raises(Busy), gate.slot():
            pass
    slots[0].__exit__(None, None, None)
    with gate.slot():
        assert len(gate) == ALWAYS


def test_a_shop_at_its_bound_is_refused_and_another_is_not() -> None:
    shares = Shares(2)
    with shares.slot("a"), shares.slot("b"):
        with shares.slot("a"):
            with pytest.raises(Busy), shares.slot("a"):
                pass
            with shares.slot("b"), shares.slot("c"):
                assert len(shares) == 5
        with shares.slot("a"):
            assert len(shares) == 3
    assert len(shares) == 0


def test_a_shop_that_waits_no_more_is_forgotten_whatever_ended_it() -> None:
    shares = Shares(1)
    for number in range(100):
        with pytest.raises(ZeroDivisionError), shares.slot(f"s{number}"):
            raise ZeroDivisionError
    assert not shares._taken
