"""What the ledger reads, against a table that changes under it."""

import asyncio
import struct
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shopstream.api.progress import ProgressBook
from shopstream.api.reports import ledger as module
from shopstream.api.reports.kept import PART_SECONDS, UNHEARD_SECONDS
from shopstream.api.reports.ledger import Ledger
from shopstream.api.standing import Standing
from shopstream.clickhouse.errors import EngineUnavailable
from shopstream.contracts.cursor import Partition
from shopstream.contracts.notices import PipelineState, Progress, Touched

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
DAY = 86400
NOVEMBER = int(datetime(2026, 11, 1, tzinfo=UTC).timestamp()) // DAY
YEAR = [int(datetime(2026, 1, 1, tzinfo=UTC).timestamp()) + DAY * n for n in range(366)]


class Place:
    """A table by shop and day, the ledger over it, and a pipeline that speaks."""

    def __init__(self) -> None:
        self.orders: dict[tuple[str, int], int] = {}
        self.read: list[tuple[str, int, int]] = []
        self.fault: Exception | None = None
        self.open = asyncio.Event()
        self.open.set()
        self.readable = True
        self.seconds = 100.0
        self.book = ProgressBook(lambda: self.seconds)
        self.ledger = Ledger(self.quarters, self, lambda: self.seconds)
        self.says({})

    def standing(self, shop: str) -> Standing:
        return self.book.standing(shop, readable=self.readable)

    def touched(self, shop: str, version: int) -> Any:
        return self.book.touched(shop, version)

    def says(self, touched: Touched | None) -> None:
        reached = {Partition("shop.orders", 0): Progress(1, 1, NOON)}
        self.book.observe(PipelineState("w", reached, touched=touched))

    def sells(self, day: int, shop: str = "s") -> None:
        """In the table; nobody was told."""
        self.orders[shop, day] = self.orders.get((shop, day), 0) + 1

    async def quarters(self, shop: str, start: int, end: int) -> bytes:
        self.read.append((shop, start // DAY, end // DAY))
        found = {day: n for (name, day), n in self.orders.items() if name == shop}
        await self.open.wait()
        if self.fault:
            raise self.fault
        return b"".join(
            struct.pack("<I3sqqqq", day * DAY, b"EUR", n, n, n, 0)
            for day, n in found.items()
            if start <= day * DAY < end
        )

    async def days(self, first: int, last: int, shop: str = "s") -> int:
        """Orders from a day to before another."""
        rows = await self.ledger.sums(shop, [first * DAY, last * DAY])
        return sum(row["orders"] for row in rows)


async def test_a_month_is_read_once_and_then_its_days_that_were_touched() -> None:
    place = Place()
    place.sells(NOVEMBER + 3)
    assert await place.days(NOVEMBER + 3, NOVEMBER + 4) == 1
    assert await place.days(NOVEMBER, NOVEMBER + 30) == 1
    for day in (2, 5):
        place.sells(NOVEMBER + day)
    place.says({"s": {NOVEMBER + 2, NOVEMBER + 5}})
    assert await place.days(NOVEMBER, NOVEMBER + 30) == 3
    assert await place.days(NOVEMBER, NOVEMBER + 30) == 3
    assert place.read == [
        ("s", NOVEMBER, NOVEMBER + 30),
        ("s", NOVEMBER + 2, NOVEMBER + 6),
    ]


async def test_other_days_and_other_shops_are_nothing_to_read() -> None:
    place = Place()
    await place.days(NOVEMBER, NOVEMBER + 1)
    place.says({"s": {NOVEMBER - 1, NOVEMBER + 30}, "t": None})
    place.says({"s": set()})
    await place.days(NOVEMBER, NOVEMBER + 30)
    assert len(place.read) == 1


@pytest.mark.parametrize("how", ["anything", "whole", "gap"])
async def test_a_word_that_names_no_days_has_all_read_again(how: str) -> None:
    place = Place()
    assert await place.days(NOVEMBER, NOVEMBER + 1) == 0
    place.sells(NOVEMBER)
    if how == "gap":
        place.book.changed()
    else:
        place.says(None if how == "anything" else {"s": None})
    assert await place.days(NOVEMBER, NOVEMBER + 1) == 1


async def test_a_notice_has_its_days_read_again() -> None:
    place = Place()
    assert await place.days(NOVEMBER, NOVEMBER + 1) == 0
    place.sells(NOVEMBER)
    place.book.changed("s", {NOVEMBER})
    assert await place.days(NOVEMBER, NOVEMBER + 1) == 1


async def test_what_is_touched_while_it_is_read_is_read_again() -> None:
    place = Place()
    place.open.clear()
    reading = asyncio.create_task(place.days(NOVEMBER, NOVEMBER + 1))
    await asyncio.sleep(0)
    place.sells(NOVEMBER)
    place.says({"s": {NOVEMBER}})
    place.open.set()
    assert await reading == 0
    assert await place.days(NOVEMBER, NOVEMBER + 1) == 1


async def test_many_at_once_read_once() -> None:
    place = Place()
    place.open.clear()
    asking = [asyncio.create_task(place.days(NOVEMBER, NOVEMBER + n)) for n in range(1, 20)]
    await asyncio.sleep(0)
    place.open.set()
    await asyncio.gather(*asking)
    assert len(place.read) == 1


async def test_those_that_waited_for_a_reading_that_fails_fail_with_it() -> None:
    place = Place()
    place.fault = EngineUnavailable("down")
    place.open.clear()
    asking = [asyncio.create_task(place.days(NOVEMBER, NOVEMBER + 1)) for _ in range(5)]
    await asyncio.sleep(0)
    place.open.set()
    found = await asyncio.gather(*asking, return_exceptions=True)
    assert ([str(one) for one in found], len(place.read)) == (["down"] * 5, 1)
    place.fault, place.seconds = None, place.seconds + 0.1
    assert await place.days(NOVEMBER, NOVEMBER + 1) == 0


@pytest.mark.parametrize(
    ("silent", "age", "read"),
    [(False, PART_SECONDS, 2), (False, 200, 1), (True, UNHEARD_SECONDS + 2, 2)],
)
async def test_what_was_read_grows_old(silent: bool, age: float, read: int) -> None:
    place = Place()
    await place.days(NOVEMBER, NOVEMBER + 1)
    place.seconds += age
    if not silent:
        place.says({})
    await place.days(NOVEMBER, NOVEMBER + 1)
    assert len(place.read) == read


async def test_nothing_is_trusted_while_the_pipeline_cannot_be_read() -> None:
    place = Place()
    await place.days(NOVEMBER, NOVEMBER + 1)
    place.readable = False
    place.sells(NOVEMBER)
    assert await place.days(NOVEMBER, NOVEMBER + 1) == 1
    place.sells(NOVEMBER)
    assert await place.days(NOVEMBER, NOVEMBER + 1) == 2


async def test_what_is_kept_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    place = Place()
    monkeypatch.setattr(module, "BYTES", 3 * (module.ACCOUNT_BYTES + module.MONTH_BYTES))
    for shop in "abcd":
        await place.days(NOVEMBER, NOVEMBER + 1, shop)
    for shop in "dcba":
        await place.days(NOVEMBER, NOVEMBER + 1, shop)
    assert [shop for shop, *_ in place.read] == list("abcda")


days = st.integers(NOVEMBER - 40, NOVEMBER + 40)


@given(
    st.lists(
        st.one_of(st.tuples(st.just("sells"), days, days), st.tuples(st.just("asks"), days, days)),
        max_size=40,
    )
)
@settings(deadline=timedelta(seconds=2))
def test_after_its_word_every_order_is_counted(steps: list[tuple[str, int, int]]) -> None:
    async def run() -> None:
        place = Place()
        for what, one, other in steps:
            first, last = sorted((one, other))
            if what == "sells":
                touched = {one, other} if one % 3 else {one}
                for day in touched:
                    place.sells(day)
                place.says({"s": touched})
            else:
                truth = sum(n for (_, day), n in place.orders.items() if first <= day < last + 1)
                assert await place.days(first, last + 1) == truth

    asyncio.run(run())


async def test_a_year_by_days_is_read_in_one_statement() -> None:
    place = Place()
    for second in YEAR[::7]:
        place.sells(second // DAY)
    rows = await place.ledger.sums("s", YEAR)
    assert sorted(row["begin"] for row in rows) == YEAR[:-1][::7]
    assert len(place.read) == 1
