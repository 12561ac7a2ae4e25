"""What is read bucket by bucket, against a table that changes under it and a pipeline that speaks."""

import asyncio
from collections.abc import Mapping, Sequence, Set
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.freshness.source import Freshness
from api.freshness.tracker import FreshnessTracker
from api.reports.cache import (
    BUCKET_SECONDS,
    ENTRY_BYTES,
    SHOP_BYTES,
    UNHEARD_SECONDS,
    BucketCache,
    Sized,
)
from api.reports.days import Bucket
from clickhouse.errors import EngineUnavailable
from shopstream.contracts.cursor import Partition
from shopstream.contracts.notices import KINDS, SALES, PipelineState, Progress

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
DAY = 86400
FIRST = 20_000


class Place:
    """Orders by shop and day, buckets over them, and a pipeline."""

    def __init__(self) -> None:
        self.orders: dict[tuple[str, int], int] = {}
        self.read: list[list[int]] = []
        self.fault: Exception | None = None
        self.open = asyncio.Event()
        self.open.set()
        self.readable = True
        self.seconds = 1000.0
        self.size = 0
        self.tracker = FreshnessTracker(lambda: self.seconds)
        self.buckets: BucketCache[int] = BucketCache(self, SALES, lambda: self.seconds)
        self.says({})

    def freshness(self, shop: str) -> Freshness:
        return self.tracker.freshness(shop, readable=self.readable)

    def changed_days(self, shop: str, kind: str, version: int) -> Any:
        return self.tracker.changed_days(shop, kind, version)

    def says(self, sold: Mapping[str, Set[int] | None] | None, kind: str = SALES) -> None:
        reached = {Partition("shop.orders", 0): Progress(1, 1, NOON)}
        changed = sold and {s: None if days is None else {kind: days} for s, days in sold.items()}
        self.tracker.observe(PipelineState("w", reached, changed=changed))

    def sells(self, day: int, shop: str = "s") -> None:
        """In the table; nobody was told."""
        self.orders[shop, day] = self.orders.get((shop, day), 0) + 1

    async def count(self, shop: str, buckets: Sequence[Bucket]) -> list[Sized[int]]:
        self.read.append([bucket.start // DAY for bucket in buckets])
        found = [self.orders.get((shop, bucket.start // DAY), 0) for bucket in buckets]
        await self.open.wait()
        if self.fault:
            raise self.fault
        return [Sized(one, self.size) for one in found]

    async def days(self, first: int, last: int, shop: str = "s") -> int:
        """Orders from a day to before another."""
        days = [Bucket("days", day * DAY, (day + 1) * DAY) for day in range(first, last)]
        return sum(await self.buckets.get(shop, days, self.count))


async def test_a_bucket_is_read_once_and_again_after_it_was_touched() -> None:
    place = Place()
    place.sells(FIRST)
    assert await place.days(FIRST, FIRST + 1) == 1
    assert await place.days(FIRST, FIRST + 3) == 1
    place.sells(FIRST + 2)
    place.says({"s": {FIRST + 2, FIRST + 3}, "t": None})
    place.says({"s": set()})
    assert await place.days(FIRST, FIRST + 3) == 2
    assert await place.days(FIRST, FIRST + 3) == 2
    assert place.read == [[FIRST], [FIRST + 1, FIRST + 2], [FIRST + 2]]


@pytest.mark.parametrize("kind", sorted(KINDS - {SALES}))
async def test_a_bucket_holds_whatever_else_of_the_shop_was_touched(kind: str) -> None:
    place = Place()
    assert await place.days(FIRST, FIRST + 2) == 0
    place.says({"s": {FIRST}}, kind)
    place.tracker.observe(PipelineState("w", {}, changed={"s": {kind: None}}))
    place.tracker.changed("s")
    assert await place.days(FIRST, FIRST + 2) == 0
    assert len(place.read) == 1


@pytest.mark.parametrize(
    ("start", "end", "days"),
    [
        (0, DAY, [0]),
        (DAY - 900, DAY, [0]),
        (DAY, DAY + 900, [1]),
        (DAY - 900, DAY + 900, [0, 1]),
        (DAY, 3 * DAY, [1, 2]),
    ],
)
def test_a_bucket_has_the_days_that_it_has_an_instant_of(
    start: int, end: int, days: list[int]
) -> None:
    bucket = Bucket("product_15m", start, end)
    assert [day for day in range(-1, 5) if bucket.overlaps(day)] == days


@pytest.mark.parametrize("how", ["anything", "whole", "kind", "gap"])
async def test_a_word_that_names_no_days_has_all_read_again(how: str) -> None:
    place = Place()
    assert await place.days(FIRST, FIRST + 1) == 0
    place.sells(FIRST)
    if how == "gap":
        place.tracker.changed()
    elif how == "kind":
        place.tracker.observe(PipelineState("w", {}, changed={"s": {SALES: None}}))
    else:
        place.says(None if how == "anything" else {"s": None})
    assert await place.days(FIRST, FIRST + 1) == 1


async def test_what_is_touched_while_it_is_read_is_read_again() -> None:
    place = Place()
    place.open.clear()
    reading = asyncio.create_task(place.days(FIRST, FIRST + 2))
    while not place.read:
        await asyncio.sleep(0)
    place.sells(FIRST)
    place.says({"s": {FIRST}})
    later = asyncio.create_task(place.days(FIRST, FIRST + 2))
    while len(place.read) < 2:
        await asyncio.sleep(0)
    place.open.set()
    assert (await reading, await later) == (0, 1)
    assert place.read == [[FIRST, FIRST + 1], [FIRST]]


async def test_many_at_once_read_once_though_the_first_of_them_leaves() -> None:
    place = Place()
    place.open.clear()
    asking = [asyncio.create_task(place.days(FIRST, FIRST + n)) for n in range(3, 0, -1)]
    await asyncio.sleep(0)
    asking[0].cancel()
    await asyncio.sleep(0)
    place.open.set()
    assert await asyncio.gather(*asking[1:]) == [0, 0]
    assert await place.days(FIRST, FIRST + 3) == 0
    assert place.read == [[FIRST, FIRST + 1, FIRST + 2]]


async def test_those_that_waited_for_a_reading_that_fails_fail_with_it() -> None:
    place = Place()
    place.fault = EngineUnavailable("down")
    place.open.clear()
    asking = [asyncio.create_task(place.days(FIRST, FIRST + 1)) for _ in range(5)]
    await asyncio.sleep(0)
    place.open.set()
    found = await asyncio.gather(*asking, return_exceptions=True)
    assert ([str(one) for one in found], len(place.read)) == (["down"] * 5, 1)
    place.fault = None
    assert await place.days(FIRST, FIRST + 1) == 0


@pytest.mark.parametrize(
    ("silent", "age", "read"),
    [(False, BUCKET_SECONDS, 2), (False, BUCKET_SECONDS - 1, 1), (True, UNHEARD_SECONDS + 2, 2)],
)
async def test_what_was_read_grows_old(silent: bool, age: float, read: int) -> None:
    place = Place()
    await place.days(FIRST, FIRST + 1)
    place.seconds += age
    if not silent:
        place.says({})
    await place.days(FIRST, FIRST + 1)
    assert len(place.read) == read


async def test_nothing_is_trusted_while_the_pipeline_cannot_be_read() -> None:
    place = Place()
    await place.days(FIRST, FIRST + 1)
    place.readable = False
    for number in (1, 2):
        place.sells(FIRST)
        assert await place.days(FIRST, FIRST + 1) == number


async def test_the_shop_that_was_asked_for_least_recently_goes() -> None:
    place = Place()
    place.buckets._limit = 3 * (SHOP_BYTES + ENTRY_BYTES)
    for shop in "abcdbcda":
        await place.days(FIRST, FIRST + 1, shop)
    assert len(place.read) == 5
    assert place.buckets._bytes == sum(one.size for one in place.buckets._shops.values())


async def test_of_one_shop_the_bucket_that_was_asked_for_least_recently_goes() -> None:
    place = Place()
    place.size = 100
    place.buckets._limit = 2 * (SHOP_BYTES + 3 * (ENTRY_BYTES + place.size))
    for day in (1, 2, 3, 1, 4, 1, 3, 4, 2):
        await place.days(FIRST + day, FIRST + day + 1)
    assert [some[0] - FIRST for some in place.read] == [1, 2, 3, 4, 2]


async def test_what_values_share_is_weighed_once_while_any_of_them_is_kept() -> None:
    shared, versions = 0, Place()

    async def fetch(_: str, buckets: Sequence[Bucket]) -> list[Sized[int]]:
        nonlocal shared
        shared += 1000
        return [Sized(0, 10, shared) for _ in buckets]

    cache: BucketCache[int] = BucketCache(versions, SALES)
    one, other = (Bucket("days", day * DAY, (day + 1) * DAY) for day in (FIRST, FIRST + 1))
    await cache.get("s", [one], fetch)
    await cache.get("s", [other], fetch)
    each = ENTRY_BYTES + 10
    assert cache._bytes == SHOP_BYTES + 2 * each + 2000
    versions.says({"s": {FIRST}})
    await cache.get("s", [one], fetch)
    assert cache._bytes == SHOP_BYTES + 2 * each + 3000


async def test_a_question_of_more_than_is_kept_is_answered_all_the_same() -> None:
    place = Place()
    place.buckets._limit = 0
    for day in range(5):
        place.sells(FIRST + day)
    assert await place.days(FIRST, FIRST + 5) == 5
    assert await place.days(FIRST, FIRST + 5) == 5
    assert (len(place.read), place.buckets._bytes) == (2, 0)


days = st.integers(FIRST, FIRST + 8)


@given(
    st.lists(
        st.tuples(st.sampled_from(["sells", "asks", "says", "gap", "late"]), days, days),
        max_size=40,
    )
)
def test_after_its_word_every_order_is_counted(steps: list[tuple[str, int, int]]) -> None:
    async def run() -> None:
        place = Place()
        untold: set[int] = set()
        for what, one, other in steps:
            if what == "sells":
                place.sells(one)
                untold.add(one)
            elif what == "asks":
                first, last = min(one, other), max(one, other)
                days = {day: n for (_, day), n in place.orders.items() if first <= day <= last}
                told = sum(n for day, n in days.items() if day not in untold)
                assert told <= await place.days(first, last + 1) <= sum(days.values())
            elif what == "late":
                place.seconds += one - FIRST
            else:
                place.says(None if what == "gap" else {"s": set(untold)})
                untold.clear()
        place.says({"s": untold})
        assert await place.days(FIRST, FIRST + 9) == sum(place.orders.values())

    asyncio.run(run())
