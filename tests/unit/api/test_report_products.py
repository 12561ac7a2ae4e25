"""What the sums of products and of sessions read, against tables that change under them."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from report_rows import window_rows

from api.freshness.source import Freshness
from api.reports import products as module
from api.reports.days import Bucket
from api.reports.products import ProductSales
from api.reports.sums import SessionSums
from api.reports.windows import WindowRows

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def number(text: str) -> int:
    """The day of a date, counted from 1970-01-01."""
    return int(at(text).timestamp()) // 86400


class World:
    """`sold`: products by the instant at which they sold one for 1. At most `most` rows are read at once."""

    def __init__(self, sold: dict[str, list[str]] | None = None, most: int = 100) -> None:
        self.sold = {at(text): some for text, some in (sold or {}).items()}
        self.most = most
        self.version: int | None = 1
        self.days: set[int] | None = set()
        self.heard = True
        self.seconds = 100.0
        self.read: list[str] = []
        self.products = ProductSales(self, self.windows, self, lambda: self.seconds)
        self.session_sums = SessionSums(self.sessions, self)

    def freshness(self, _: str) -> Freshness:
        return Freshness(self.version, 1, NOON, heard=self.heard)

    def changed_days(self, _: str, __: str, version: int) -> set[int] | None:
        return self.days if version != self.version else set()

    def says(self, *days: str) -> None:
        assert self.version is not None
        self.version, self.days = self.version + 1, {number(day) for day in days}

    def says_anything(self) -> None:
        self.says()
        self.days = None

    async def windows(self, _: str, runs: Sequence[Bucket]) -> list[WindowRows | None]:
        return [self.rows(run) for run in runs]

    def rows(self, run: Bucket) -> WindowRows | None:
        first, last = (datetime.fromtimestamp(second, UTC) for second in run[1:])
        window = run.window.removeprefix("product_")
        self.read.append(f"{window} {first:%m-%dT%H} {last:%m-%dT%H}".replace("T00", ""))
        rows: list[tuple[Any, ...]] = []
        for instant, products in self.sold.items():
            begin = {
                "day": instant.replace(hour=0),
                "month": instant.replace(day=1, hour=0),
                "15m": first.replace(hour=0, minute=0),
            }[window]
            if first <= instant < last:
                rows += [
                    (run.window, int(begin.timestamp()), "EUR", one, 0, 10_000, 10_000)
                    for one in products
                ]
        return window_rows(rows) if len(rows) <= self.most else None

    async def top(self, *_: Any) -> Any:
        self.read.append("top")
        return [{"product_id": "by statement"}]

    async def product_units(self, *_: Any) -> Any:
        self.read.append("units")
        return [{"product_id": "p", "units": 77}]

    async def sessions(self, _: str, marks: Sequence[int]) -> Any:
        self.read.append(f"sessions of {len(marks) - 1} days")
        return [{"begin": mark, "sessions": 1} for mark in marks[:-1]]

    async def best(self, start: str, end: str) -> dict[str, int]:
        rows = await self.products.best("s", "EUR", at(start), at(end))
        return {row["product_id"]: row.get("quantity", 0) for row in rows}


async def test_a_period_is_read_part_by_bucket_and_then_what_was_touched() -> None:
    world = World(
        {"2026-10-30T12:00": ["a"], "2026-11-15T12:00": ["a", "b"], "2026-12-01T01:00": ["c"]}
    )
    period = "2026-10-29T22:00", "2026-12-01T22:00"
    assert await world.best(*period) == {"a": 2, "b": 1, "c": 1}
    assert sorted(world.read) == [
        "15m 10-29T22 10-30",
        "15m 12-01 12-01T22",
        "day 10-30 11-01",
        "month 11-01 12-01",
    ]
    world.read.clear()
    world.sold[at("2026-12-01T02:00")] = ["c"]
    world.says("2026-12-01", "2026-09-01")
    assert await world.best(*period) == {"a": 2, "b": 1, "c": 2}
    assert world.read == ["15m 12-01 12-01T22"]


async def test_parts_that_are_near_are_read_with_what_lies_between() -> None:
    world = World()
    await world.best("2026-11-02", "2026-11-30")
    assert [line.split()[1] for line in world.read] == ["11-02", "11-09", "11-16", "11-23"]
    world.read.clear()
    world.says("2026-11-03", "2026-11-08", "2026-11-20")
    await world.best("2026-11-02", "2026-11-30")
    assert world.read == ["day 11-03 11-09", "day 11-20 11-21"]


async def test_what_is_too_much_is_a_statement_each_time_and_the_rest_is_kept() -> None:
    world = World({"2026-11-03T12:00": ["a"] * 3, "2026-11-20T12:00": ["b"]}, most=2)
    for _ in range(2):
        assert await world.best("2026-11-02", "2026-11-05") == {"by statement": 0}
        units = await world.products.units("s", ["p"], at("2026-11-02"), at("2026-11-05"))
        assert units == {"p": 77}
        assert await world.best("2026-11-20", "2026-11-21") == {"b": 1}
    once = ["day 11-02 11-05", "day 11-20 11-21"]
    assert world.read == [once[0], "top", "units", once[1], "top", "units"]
    world.sold[at("2026-11-03T12:00")] = ["a"]
    world.says("2026-11-03")
    assert await world.best("2026-11-03", "2026-11-04") == {"a": 1}


@pytest.mark.parametrize(("version", "heard"), [(None, True), (1, False)])
async def test_while_nothing_can_be_kept_each_question_is_a_statement(
    version: int | None, heard: bool
) -> None:
    world = World({"2026-11-03T12:00": ["a"]})
    world.version, world.heard = version, heard
    assert await world.best("2026-11-02", "2026-11-05") == {"by statement": 0}
    assert world.read == ["top"]


async def test_without_a_length_nothing_is_asked() -> None:
    world = World()
    assert await world.best("2026-11-02", "2026-11-02") == {}
    assert world.read == []


async def test_a_shop_of_too_many_products_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PRODUCTS", 1)
    world = World({f"2026-11-0{day}T12:00": ["a", f"p{day}"] for day in range(2, 6)})
    assert await world.best("2026-11-02", "2026-11-03") == {"a": 1, "p2": 1}
    assert await world.best("2026-11-03", "2026-11-04") == {"by statement": 0}
    assert await world.best("2026-11-02", "2026-11-03") == {"a": 1, "p2": 1}


async def test_a_period_of_which_all_changed_just_now_is_not_read_whole_again() -> None:
    world = World({"2026-11-03T12:00": ["a"]})
    period = "2026-11-02", "2026-11-08"
    for seconds in (0, 1, 4, 6, 7):
        world.seconds = 100.0 + seconds
        await world.best(*period)
        world.says_anything()
    # a few buckets are read all the same
    await world.best("2026-11-02", "2026-11-03")
    whole = "day 11-02 11-08"
    assert world.read == [whole, "top", "top", whole, "top", "day 11-02 11-03"]


async def test_sessions_are_read_of_the_days_that_were_touched() -> None:
    world = World()
    midnights = [at("2026-11-01") + DAY * count for count in range(11)]
    # a day that the zone skips has no length
    marks = [*midnights[:3], midnights[2], *midnights[3:]]
    assert await world.session_sums.total("s", marks) == 10
    world.says("2026-11-02", "2026-11-05")
    assert await world.session_sums.total("s", marks) == 10
    assert await world.session_sums.total("s", marks[:5]) == 3
    assert world.read == ["sessions of 10 days", "sessions of 3 days"]


@pytest.mark.parametrize("version", [None, 1])
async def test_a_period_without_length_has_no_sessions(version: int | None) -> None:
    world = World()
    world.version = version
    assert await world.session_sums.total("s", [NOON, NOON]) == 0
    assert world.read == []
