"""How long an answer is given again, and what `asOf` it carries."""

import asyncio
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from api.freshness import tracker as tracker_module
from api.freshness.source import Freshness
from api.freshness.topology import TopicState
from api.freshness.tracker import DAYS, SHOPS, FreshnessTracker
from api.reports.cache import (
    ENTRY_BYTES,
    SHOP_BYTES,
    UNHEARD_SECONDS,
    VALUE_SECONDS,
    ResponseCache,
    Sized,
)
from shopstream.contracts.cursor import Partition
from shopstream.contracts.notices import NAMES, PAYMENTS, SALES, PipelineState, Progress

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
MIDNIGHT = datetime(2026, 11, 23, tzinfo=UTC)


class Place:
    """Answers with how often it was asked; `state`, `now` and `seconds` are what a test says."""

    def __init__(self) -> None:
        self.asked = 0
        self.open = asyncio.Event()
        self.open.set()
        self.fault: Exception | None = None
        self.state = Freshness(1, 1, NOON, heard=True)
        self.now = NOON
        self.seconds = 100.0
        self.size = 1
        self.cache: ResponseCache[int] = ResponseCache(self, lambda: self.now, lambda: self.seconds)

    def freshness(self, _: str) -> Freshness:
        return self.state

    def changed_days(self, _: str, __: str, version: int) -> set[int] | None:
        raise AssertionError(version)

    def stands(self, seconds: float = 0, **changes: object) -> None:
        as_of = NOON + timedelta(seconds=seconds)
        self.state = self.state._replace(as_of=as_of, **changes)  # type: ignore[arg-type]

    async def make(self) -> Sized[int]:
        self.asked += 1
        number = self.asked
        await self.open.wait()
        if self.fault:
            raise self.fault
        return Sized(number, self.size, until=MIDNIGHT)

    async def get(self, question: str = "a", shop: str = "s", exact: bool = False) -> int:
        return (await self.cache.response(shop, question, self.make, exact=exact)).value

    async def as_of(self) -> float:
        """Seconds after noon."""
        given = (await self.cache.response("s", "a", self.make)).as_of
        assert given is not None
        return (given - NOON).total_seconds()


async def test_the_same_question_is_asked_once_until_a_notice_of_its_shop() -> None:
    place = Place()
    assert [await place.get() for _ in range(3)] == [1, 1, 1]
    assert await place.get("b") == 2
    place.stands(changes=2)
    assert await place.get() == 3


async def test_another_shop_never_gets_a_kept_answer() -> None:
    place = Place()
    assert [await place.get(shop=shop) for shop in ("s", "t")] == [1, 2]


async def test_progress_alone_leaves_a_plain_answer_and_replaces_an_exact_one() -> None:
    place = Place()
    assert await place.get() == 1
    place.stands(0.4, version=2)
    assert (await place.get(), await place.get(exact=True), await place.get()) == (1, 2, 2)


async def test_as_of_is_that_from_before_the_answer_was_made() -> None:
    place = Place()
    place.open.clear()
    first = asyncio.ensure_future(place.as_of())
    await asyncio.sleep(0)
    place.stands(0.4, version=2)
    place.open.set()
    assert (await first, await place.as_of()) == (0, 0)


async def test_as_of_goes_on_while_nothing_more_is_in_any_report_and_never_back() -> None:
    place = Place()
    assert await place.as_of() == 0
    place.stands(20)
    assert await place.as_of() == 20
    place.stands(20.4, version=2)
    assert (await place.as_of(), place.asked) == (20, 1)


async def test_an_answer_whose_as_of_lies_too_far_back_is_made_again() -> None:
    place = Place()
    assert await place.as_of() == 0
    place.stands(0.6, version=2)
    assert (await place.as_of(), place.asked) == (0.6, 2)


async def test_nothing_is_kept_while_the_pipeline_is_unknown() -> None:
    place = Place()
    place.stands(version=None)
    assert [await place.get() for _ in range(2)] == [1, 2]


@pytest.mark.parametrize(
    ("age", "heard", "exact"),
    [
        (VALUE_SECONDS, True, False),
        (UNHEARD_SECONDS, False, False),
        (VALUE_SECONDS, True, True),
    ],
)
async def test_an_answer_grows_old(age: float, heard: bool, exact: bool) -> None:
    place = Place()
    place.stands(heard=heard)
    assert await place.get(exact=exact) == 1
    place.seconds += age - 0.1
    assert await place.get(exact=exact) == 1
    place.seconds += 0.1
    assert await place.get(exact=exact) == 2


async def test_at_local_midnight_every_answer_is_made_again() -> None:
    place = Place()
    assert await place.get() == 1
    place.now = MIDNIGHT - timedelta(microseconds=1)
    assert await place.get() == 1
    place.now = MIDNIGHT
    assert await place.get() == 2


async def test_a_stampede_is_one_question() -> None:
    place = Place()
    place.open.clear()
    crowd = [asyncio.ensure_future(place.get()) for _ in range(50)]
    await asyncio.sleep(0)
    crowd[0].cancel()
    place.open.set()
    assert await asyncio.gather(*crowd[1:]) == [1] * 49


async def test_one_who_comes_after_a_notice_does_not_join_an_answer_from_before_it() -> None:
    place = Place()
    place.open.clear()
    before = asyncio.ensure_future(place.get())
    await asyncio.sleep(0)
    place.stands(changes=2)
    after = asyncio.ensure_future(place.get())
    await asyncio.sleep(0)
    place.open.set()
    assert (await before, await after, await place.get()) == (1, 2, 2)


async def test_a_failure_is_not_kept() -> None:
    place = Place()
    place.fault = ValueError("down")
    with pytest.raises(ValueError, match="down"):
        await place.get()
    place.fault = None
    assert await place.get() == 2


async def test_what_is_cached_of_a_shop_is_bounded_in_size() -> None:
    place = Place()
    place.cache._limit = 2 * (SHOP_BYTES + 2 * ENTRY_BYTES + 10)
    place.size = 4
    for question in ("a", "b", "a", "c", "a", "b"):
        await place.get(question)
    assert place.asked == 4


async def test_what_is_cached_is_bounded_in_size() -> None:
    place = Place()
    place.cache._limit = 2 * (SHOP_BYTES + ENTRY_BYTES + 5)
    place.size = 4
    for shop in ("a", "b", "c", "b", "a"):
        await place.get(shop=shop)
    assert place.asked == 4


class Clock:
    seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


def say(tracker: FreshnessTracker, reached: int, seconds: int = 0, **sold: set[int] | None) -> None:
    progress = Progress(1, reached, NOON + timedelta(seconds=seconds))
    changed = {shop: None if days is None else {SALES: days} for shop, days in sold.items()}
    tracker.observe(PipelineState("w", {Partition("shop.orders", 0): progress}, changed=changed))


def test_the_version_moves_with_what_touched_the_shop_but_not_with_time_or_other_shops() -> None:
    tracker = FreshnessTracker(Clock())
    tracker.see({"shop.orders": TopicState(1, 1)})
    assert tracker.freshness("s", readable=True).version is None
    say(tracker, 5, s=set())
    first = tracker.freshness("s", readable=True)
    say(tracker, 6, 1, t={1})
    tracker.changed("t")
    second = tracker.freshness("s", readable=True)
    assert second.version == first.version
    assert second.as_of == NOON + timedelta(seconds=1)
    say(tracker, 7, 1, s=set())
    assert tracker.freshness("s", readable=True).version != first.version
    assert tracker.freshness("s", readable=False).version is None


def version(tracker: FreshnessTracker, shop: str = "s") -> int:
    found = tracker.freshness(shop, readable=True).version
    assert found is not None
    return found


def test_days_that_were_touched_are_told_from_any_version_on() -> None:
    tracker = FreshnessTracker(Clock())
    sold = partial(tracker.changed_days, "s", SALES)
    say(tracker, 5, s={1, 2})
    first = version(tracker)
    say(tracker, 6, s={2, 3}, t={9})
    second = version(tracker)
    say(tracker, 7, s=set())
    assert (sold(first), sold(second)) == ({2, 3}, set())
    assert tracker.changed_days("u", SALES, first) == set()
    say(tracker, 8, s=None)
    third = version(tracker)
    say(tracker, 9, s={5})
    assert (sold(second), sold(third)) == (None, {5})
    assert tracker.changed_days("t", SALES, first) == {9}


def test_days_of_one_kind_are_no_days_of_another() -> None:
    tracker = FreshnessTracker(Clock())
    say(tracker, 5, s={1})
    first = version(tracker)
    tracker.observe(PipelineState("w", {}, changed={"s": {PAYMENTS: {4}, NAMES: None}}))

    def found(since: int) -> list[object]:
        return [tracker.changed_days("s", kind, since) for kind in (SALES, PAYMENTS, NAMES)]

    assert found(first - 1) == [{1}, {4}, None]
    assert found(first) == [set(), {4}, None]
    assert found(version(tracker)) == [set(), set(), set()]


def test_a_notice_alone_is_no_change_of_what_reports_are_made_of() -> None:
    tracker = FreshnessTracker(Clock())
    say(tracker, 5, s={1})
    before = tracker.freshness("s", readable=True)
    tracker.changed("s")
    after = tracker.freshness("s", readable=True)
    assert (after.version, after.changes > before.changes) == (before.version, True)


def test_a_word_that_names_nothing_and_a_gap_touch_every_shop() -> None:
    tracker = FreshnessTracker(Clock())
    say(tracker, 5, s={1})
    versions = [version(tracker, "s"), version(tracker, "t")]
    tracker.observe(PipelineState("w", {}))
    assert (
        tracker.changed_days("s", SALES, versions[0]),
        tracker.changed_days("t", SALES, versions[1]),
    ) == (
        None,
        None,
    )
    versions = [version(tracker, "s"), version(tracker, "t")]
    tracker.changed()
    assert (
        tracker.changed_days("s", SALES, versions[0]),
        tracker.changed_days("t", SALES, versions[1]),
    ) == (
        None,
        None,
    )
    assert version(tracker, "s") > versions[0]


def test_more_days_than_are_remembered_are_all_of_the_shop() -> None:
    tracker = FreshnessTracker(Clock())
    say(tracker, 5, s={0})
    first = version(tracker)
    say(tracker, 6, s=set(range(DAYS - 1)))
    assert tracker.changed_days("s", SALES, first) == set(range(DAYS - 1))
    say(tracker, 7, s={DAYS, DAYS + 1})
    assert tracker.changed_days("s", SALES, first) is None


def test_a_shop_that_is_no_longer_remembered_counts_as_touched() -> None:
    tracker = FreshnessTracker(Clock())
    say(tracker, 5, s={1}, t={1})
    first = version(tracker)
    tracker.observe(PipelineState("w", {}, changed={f"u{n}": {} for n in range(SHOPS)}))
    assert tracker.changed_days("s", SALES, first - 1) is None
    assert version(tracker) >= first


def test_the_days_of_all_shops_are_bounded_and_who_is_dropped_counts_as_touched(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tracker_module, "DAYS_IN_ALL", 10)
    tracker = FreshnessTracker(Clock())
    say(tracker, 5, s={1, 2, 3}, t={1, 2, 3, 4})
    first = version(tracker)
    say(tracker, 6, s={1, 4})
    say(tracker, 7, u={1, 2})
    assert tracker.changed_days("t", SALES, first - 1) == {1, 2, 3, 4}
    say(tracker, 8, u={3})
    assert tracker.changed_days("t", SALES, first - 1) is None
    assert tracker.changed_days("s", SALES, first) == {1, 4}
    assert tracker.changed_days("u", SALES, first) == {1, 2, 3}
    assert tracker._days == sum(shop.days for shop in tracker._shops.values()) == 7


def test_a_notice_changes_its_shop_and_a_gap_changes_all() -> None:
    tracker = FreshnessTracker(Clock())

    def changes(shop: str) -> int:
        return tracker.freshness(shop, readable=True).changes

    one, two = changes("s1"), changes("s2")
    tracker.changed("s1")
    assert (changes("s1") != one, changes("s2") == two) == (True, True)
    one = changes("s1")
    tracker.changed()
    assert (changes("s1") != one, changes("s2") != two) == (True, True)


def test_of_many_shops_a_forgotten_one_counts_as_changed_or_as_it_was_never_as_older() -> None:
    tracker = FreshnessTracker(Clock())
    tracker.changed("first")
    before = tracker.freshness("unseen", readable=True).changes
    for number in range(SHOPS + 5):
        tracker.changed(f"s{number}")
    tracker.changed("first")
    assert tracker.freshness("unseen", readable=True).changes > before
    latest = [
        tracker.freshness(shop, readable=True).changes for shop in ("s4", f"s{SHOPS}", "first")
    ]
    assert latest == sorted(latest)


def test_a_pipeline_that_says_nothing_for_three_seconds_is_not_heard() -> None:
    clock = Clock()
    tracker = FreshnessTracker(clock)
    assert not tracker.freshness("s", readable=True).heard
    say(tracker, 1)
    clock.seconds += 2.9
    assert tracker.freshness("s", readable=True).heard
    clock.seconds += 0.2
    assert not tracker.freshness("s", readable=True).heard
