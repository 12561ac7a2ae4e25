"""Compares every number that a report can show with a recomputation from the latest versions."""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from clickhouse.client import BEHIND_REPORTS, Address, ClickHouseClient
from clickhouse.differences import COLUMNS, Difference
from clickhouse.sql import load
from clickhouse.window_comparison import EVER, TIMEOUT_SECONDS, Period, Scope, compare
from clickhouse.windows import WINDOWS
from shopstream.settings import Settings

AT_ONCE = 1_000_000
"""Orders whose windows are compared in one statement, or a month's where that has more."""
TRIES = 5
PAUSE_SECONDS = 0.5
Advance = Callable[[int, int], None]
"""Told how many of how many steps are done."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """`compared` counts rows; `differences` lists the first of each step."""

    compared: int
    differences: tuple[Difference, ...]


async def steps(engine: ClickHouseClient, shop: str = "") -> list[tuple[str, Scope]]:
    """What to compare one after the other: windows of orders some months at a time, the others whole."""
    rows = await engine.rows(load("verify/months.sql"))
    periods = list(_periods([(row["month"], row["orders"]) for row in rows]))
    return [
        (table, scope)
        for table in COLUMNS
        for scope in ([Scope(shop, p) for p in periods] if _by_month(table) else [Scope(shop)])
    ]


async def verify_engine(
    engine: ClickHouseClient, shop: str | None = None, advance: Advance = lambda done, of: None
) -> Verdict:
    """Compares all shops, or one.

    A batch that is being written shows as a difference for a moment: only a gap that stays the same over
    `TRIES` comparisons counts.

    Raises:
        EngineUnavailable, EngineError: as the engine.
    """
    compared, found = 0, set[Difference]()
    todo = await steps(engine, shop or "")
    for done, (table, scope) in enumerate(todo):
        advance(done, len(todo))
        first = await compare(engine, table, scope)
        compared += first.rows
        found |= await lasting(engine, table, scope, first.differences)
    advance(len(todo), len(todo))
    return Verdict(compared, tuple(sorted(found, key=lambda d: (d.table, d.key))))


async def lasting(
    engine: ClickHouseClient, table: str, scope: Scope, differences: frozenset[Difference]
) -> frozenset[Difference]:
    """Those whose gap stays the same over some more comparisons."""
    for _ in range(TRIES - 1):
        if not differences:
            break
        await asyncio.sleep(PAUSE_SECONDS)
        gaps = {one.gap for one in differences}
        again = await compare(engine, table, scope)
        differences = frozenset(one for one in again.differences if one.gap in gaps)
    return differences


def verify(
    settings: Settings, shop: str | None = None, advance: Advance = lambda done, of: None
) -> Verdict:
    """As `verify_engine`, for a process that has no event loop."""
    address = Address.parse(settings.clickhouse_url.get_secret_value())

    async def run() -> Verdict:
        async with ClickHouseClient(
            address, timeout=TIMEOUT_SECONDS, settings=BEHIND_REPORTS
        ) as engine:
            return await verify_engine(engine, shop, advance)

    return asyncio.run(run())


def _by_month(table: str) -> bool:
    return table in WINDOWS and WINDOWS[table].source == "orders"


def _periods(months: Iterable[tuple[str, int]]) -> Iterator[Period]:
    """From the beginning to the end of time, cut at months after `AT_ONCE` orders or more."""
    start, count = EVER[0], 0
    for month, orders in months:
        if count >= AT_ONCE:
            cut = datetime.fromisoformat(month).replace(tzinfo=UTC)
            yield start, cut
            start, count = cut, 0
        count += orders
    yield start, EVER[1]
