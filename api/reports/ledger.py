"""The sums of shops' quarters of an hour, months at a time."""

import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime

from api.freshness.standing import Known
from api.reports import quarters
from api.reports.cover import MONTHS, month_around
from api.reports.parts import Part, PartCache, Sized
from api.reports.quarters import Currencies
from clickhouse.client import Row

Ask = Callable[[str, int, int], Awaitable[bytes]]
"""Rows of a shop from one instant to before another (Unix seconds), as `quarters.read` takes them."""


class Ledger:
    """Sums of sales, or of payments."""

    def __init__(self, ask: Ask, book: Known, clock: Callable[[], float] = time.monotonic) -> None:
        self._ask = ask
        self._months: PartCache[Currencies] = PartCache(self._fetch, book, clock)

    async def sums(self, shop: str, marks: list[int]) -> list[Row]:
        """Sums between each of the marks (Unix seconds, rising) and the next, by the mark, in every currency.

        Raises:
            EngineUnavailable, EngineError: as the engine.
        """
        start, end = marks[0], marks[-1]
        if not self._months.keeps(shop):
            return quarters.rows(quarters.read(await self._ask(shop, start, end)), marks)
        months = await self._months.get(shop, _months(start, end))
        return quarters.rows(quarters.joined(months), marks)

    async def _fetch(self, shop: str, months: Sequence[Part]) -> list[Sized[Currencies]]:
        # months between these are read too: a year costs half a millisecond more than a month
        found = quarters.read(await self._ask(shop, months[0].start, months[-1].end))
        parts = [quarters.between(found, month.start, month.end) for month in months]
        return [Sized(part, quarters.size(part)) for part in parts]


def _months(start: int, end: int) -> list[Part]:
    """The months (UTC) that hold the instants from `start` to before `end`, and that of `start` in any case."""
    found: list[Part] = []
    while not found or found[-1].end < end:
        instant = datetime.fromtimestamp(found[-1].end if found else start, UTC)
        found.append(Part(MONTHS, *(int(edge.timestamp()) for edge in month_around(instant))))
    return found
