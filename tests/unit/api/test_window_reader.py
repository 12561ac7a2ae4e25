"""Which ranges of windows are read together."""

import asyncio
from collections.abc import Sequence

import pytest
from report_rows import window_rows

from api.reports.cache import TOO_BIG_SECONDS
from api.reports.days import DAY_SECONDS, Bucket
from api.reports.windows import SHORT_SECONDS, WindowReader, WindowRows, joined
from clickhouse.errors import EngineUnavailable

SALES = Bucket("sales_15m", 0, 30 * DAY_SECONDS)
PARTS = Bucket("parts_15m", 82_800, 90_000)
DAY = Bucket("product_day", DAY_SECONDS, 2 * DAY_SECONDS)
YEAR = Bucket("sales_15m", 0, 366 * DAY_SECONDS)
ENDS = Bucket("product_15m", 82_800, DAY_SECONDS)


class Table:
    """One row in each range, and no more than `most` ranges at once."""

    def __init__(self, most: int = 9) -> None:
        self.most = most
        self.read: list[list[Bucket]] = []
        self.now = 100.0
        self.reader = WindowReader(self.rows, lambda: self.now)

    async def rows(self, shop: str, ranges: Sequence[Bucket]) -> WindowRows | None:
        self.read.append(list(ranges))
        await asyncio.sleep(0)
        if shop == "unavailable":
            raise EngineUnavailable("it is")
        if len(ranges) > self.most:
            return None
        return window_rows((one.window, one.first, "EUR", one.window, 1) for one in ranges)

    async def products(self, *ranges: Bucket, shop: str = "s") -> list[list[str]]:
        found = await self.reader.rows(shop, ranges)
        return [[] if rows is None else rows.product for rows in found]


def test_a_statement_has_one_range_of_a_kind_and_no_long_one() -> None:
    long = Bucket("sales_15m", 0, SHORT_SECONDS + 1)
    assert list(joined([SALES, DAY, ENDS, PARTS, long])) == [[long], [SALES, DAY, PARTS], [ENDS]]
    assert list(joined([])) == []


async def test_ranges_of_one_turn_are_joined_and_each_gets_its_rows() -> None:
    table = Table()
    found = await asyncio.gather(
        table.products(SALES),
        table.products(DAY, ENDS),
        table.products(SALES, PARTS),
        table.products(SALES, shop="other"),
    )
    assert found == [
        [["sales_15m"]],
        [["product_day"], ["product_15m"]],
        [["sales_15m"], ["parts_15m"]],
        [["sales_15m"]],
    ]
    assert table.read == [[SALES, DAY, PARTS], [ENDS], [SALES]]


async def test_what_is_too_much_together_is_read_apart_for_a_while() -> None:
    table = Table(most=1)
    for later, statements in ((0, 3), (TOO_BIG_SECONDS - 1, 2), (1, 3)):
        table.now += later
        assert await table.products(SALES, DAY) == [["sales_15m"], ["product_day"]]
        assert len(table.read) == statements
        table.read.clear()


async def test_what_is_too_much_alone_has_no_rows() -> None:
    table = Table(most=0)
    assert await table.reader.rows("s", [DAY]) == [None]


async def test_an_error_reaches_everyone_who_waits_and_the_next_turn_reads_again() -> None:
    table = Table()
    for _ in range(2):
        found = await asyncio.gather(
            *(table.products(one, shop="unavailable") for one in (SALES, DAY)),
            return_exceptions=True,
        )
        assert [type(one) for one in found] == [EngineUnavailable] * 2
    assert len(table.read) == 2


async def test_who_wants_little_waits_for_no_long_range_and_does_not_fail_with_it() -> None:
    ended = asyncio.Event()

    async def rows(_: str, ranges: Sequence[Bucket]) -> WindowRows:
        if YEAR in ranges:
            await ended.wait()
            raise EngineUnavailable("it took too long")
        return window_rows((one.window, one.first, "EUR", "p", 1) for one in ranges)

    reader = WindowReader(rows)
    long = asyncio.ensure_future(reader.rows("s", [YEAR, DAY]))
    (short,) = await asyncio.wait_for(reader.rows("s", [DAY]), 5)
    assert short is not None and short.product == ["p"]
    ended.set()
    with pytest.raises(EngineUnavailable):
        await long


async def test_who_leaves_takes_nothing_from_the_others() -> None:
    table = Table()
    leaving, staying = (asyncio.ensure_future(table.products(one)) for one in (SALES, DAY))
    await asyncio.sleep(0)
    leaving.cancel()
    assert await staying == [["product_day"]]
    with pytest.raises(asyncio.CancelledError):
        await leaving
