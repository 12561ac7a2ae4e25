"""Sessions of shops' local days, kept in memory."""

import time
from collections.abc import Callable, Sequence
from datetime import datetime
from itertools import pairwise
from typing import Protocol

from api.freshness.standing import Known
from api.reports.parts import Part, PartCache, Sized
from clickhouse.client import Row

_WINDOW = "sessions"


class Ask(Protocol):
    """Where rows come from."""

    async def sessions(self, shop: str, marks: Sequence[int], /) -> list[Row]: ...


class SessionBook:
    """A session counts once in a local day, so a part is a whole one."""

    def __init__(self, ask: Ask, book: Known, clock: Callable[[], float] = time.monotonic) -> None:
        self._ask = ask
        self._days: PartCache[int] = PartCache(self._fetch, book, clock)

    async def sessions(self, shop: str, marks: Sequence[datetime]) -> int:
        """Those of local days: each begins at a mark (UTC, rising) and ends at the next.

        Raises:
            EngineUnavailable, EngineError: as the engine.
        """
        # a day that the zone skips has no length
        seconds = dict.fromkeys(int(mark.timestamp()) for mark in marks)
        days = [Part(_WINDOW, start, end) for start, end in pairwise(seconds)]
        return sum(await self._days.get(shop, days))

    async def _fetch(self, shop: str, days: Sequence[Part]) -> list[Sized[int]]:
        # what lies between the days is read too, and left out
        marks = sorted({instant for day in days for instant in (day.start, day.end)})
        rows = await self._ask.sessions(shop, marks)
        found = {row["begin"]: row["sessions"] for row in rows}
        return [Sized(found.get(day.start, 0), 0) for day in days]
