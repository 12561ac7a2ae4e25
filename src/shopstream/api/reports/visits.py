"""Sessions of shops' local days, kept in memory."""

from collections.abc import Callable, Sequence
from datetime import datetime
from itertools import pairwise
from time import monotonic
from typing import Protocol

from shopstream.api.reports.parts import Part, Parts, Weighed
from shopstream.api.standing import Known
from shopstream.clickhouse.client import Row

_WINDOW = "sessions"


class Ask(Protocol):
    """Where rows come from."""

    async def sessions(self, shop: str, marks: Sequence[int], /) -> list[Row]: ...


class Visits:
    """Of a local day the engine counts each session once, so a day is read as a whole."""

    def __init__(self, ask: Ask, book: Known, clock: Callable[[], float] = monotonic) -> None:
        self._ask = ask
        self._parts: Parts[int] = Parts(self._read, book, clock)

    async def sessions(self, shop: str, marks: Sequence[datetime]) -> int:
        """Those of local days: each begins at a mark and ends at the next.

        Raises:
            EngineUnavailable, EngineError: as the engine.
        """
        # a day that the zone skips has no length
        seconds = dict.fromkeys(int(mark.timestamp()) for mark in marks)
        days = [Part(_WINDOW, start, end) for start, end in pairwise(seconds)]
        return sum(await self._parts.get(shop, days))

    async def _read(self, shop: str, parts: Sequence[Part]) -> list[Weighed[int]]:
        marks = sorted({instant for part in parts for instant in (part.start, part.end)})
        rows = await self._ask.sessions(shop, marks)
        found = {row["begin"]: row["sessions"] for row in rows}
        return [Weighed(found.get(part.start, 0), 0) for part in parts]
