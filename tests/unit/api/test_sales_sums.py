"""Which months the sums are read of."""

from datetime import UTC, datetime
from typing import Any

import pytest
from report_rows import window_rows

from api.freshness.source import Freshness
from api.reports.sums import SalesSums, sales_rows
from shopstream.contracts.notices import SALES

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
DAY = 86400


def seconds(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


class Table:
    """One order at noon of each day in `days`; and a pipeline that says nothing more, or that nobody hears."""

    def __init__(self, days: list[str], version: int | None = 1) -> None:
        self.slots = [seconds(day) + DAY // 2 for day in days]
        self.version = version
        self.read: list[tuple[str, str]] = []
        self.sales = SalesSums(self.sales_15m, self, SALES)

    def freshness(self, _: str) -> Freshness:
        return Freshness(self.version, 1, NOON, heard=True)

    def changed_days(self, _: str, __: str, version: int) -> Any:
        raise AssertionError(version)

    async def sales_15m(self, _: str, start: int, end: int) -> Any:
        days = (datetime.fromtimestamp(second, UTC) for second in (start, end))
        self.read.append(tuple(f"{day:%Y-%m-%dT%H}".removesuffix("T00") for day in days))  # type: ignore[arg-type]
        slots = (slot for slot in self.slots if start <= slot < end)
        rows = (("sales_15m", slot, "EUR", "", 1, 10_000, 10_000) for slot in slots)
        return sales_rows(window_rows(rows))

    async def orders(self, start: str, end: str) -> int:
        rows = await self.sales.sums("s", [seconds(start), seconds(end)])
        return sum(row["orders"] for row in rows)


async def test_months_are_read_whole_and_once() -> None:
    table = Table(["2026-10-31", "2026-11-01", "2026-11-30", "2026-12-01"])
    assert await table.orders("2026-11-22", "2026-11-23") == 0
    assert await table.orders("2026-10-31T22:00", "2026-11-30T22:00") == 2
    assert await table.orders("2026-10-31", "2026-12-02") == 4
    assert table.read == [
        ("2026-11-01", "2026-12-01"),
        ("2026-10-01", "2026-11-01"),
        ("2026-12-01", "2027-01-01"),
    ]


async def test_a_year_by_days_is_read_in_one_statement() -> None:
    days = [seconds("2026-01-01") + DAY * number for number in range(366)]
    table = Table([])
    table.slots = days[:-1:7]
    rows = await table.sales.sums("s", days)
    assert sorted(row["begin"] for row in rows) == days[:-1:7]
    assert table.read == [("2026-01-01", "2027-01-01")]


@pytest.mark.parametrize("instant", ["2026-11-22", "2026-12-01"])
async def test_a_day_without_length_has_no_sums(instant: str) -> None:
    assert await Table([instant]).orders(instant, instant) == 0


async def test_where_nothing_is_kept_only_the_period_is_read() -> None:
    table = Table(["2026-11-22"], version=None)
    for _ in range(2):
        assert await table.orders("2026-11-22T01:00", "2026-11-23") == 1
    assert table.read == [("2026-11-22T01", "2026-11-23")] * 2
