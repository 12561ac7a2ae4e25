"""What products of shops sold: kept in memory, or summed by the engine where that is too much."""

import asyncio
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol, cast
from weakref import WeakValueDictionary

from api.freshness.standing import Known
from api.reports import sold
from api.reports.cover import QUARTERS, Run, pieces
from api.reports.lately import Lately
from api.reports.parts import Part, PartCache, Sized
from api.reports.sold import Columns, Products, Sold
from clickhouse.client import Row

PRODUCTS = 30_000
"""Of a shop, that are remembered; what it sold is too much to be kept once they are more."""
SPAN = 7
"""Parts at most that one statement reads, with what lies between them: what it gives is taken in at one go."""
FEW = 3
"""Parts that are always worth reading."""
AGAIN_SECONDS = 5.0
"""Where all of a shop may have changed since much of it was read, much of it is read again only after so long."""


class Ask(Protocol):
    """Where rows come from."""

    async def top(
        self, shop: str, currency: str, start: datetime, end: datetime, /
    ) -> list[Row]: ...

    async def sold_units(
        self, shop: str, products: Sequence[str], start: datetime, end: datetime, /
    ) -> list[Row]: ...

    async def sold_parts(
        self, shop: str, window: str, start: int, end: int, /
    ) -> Columns | None: ...


class ProductBook:
    """Sums kept parts. While nothing can be kept, or where a period has too many rows, each question is a statement
    of its own."""

    def __init__(self, ask: Ask, book: Known, clock: Callable[[], float] = time.monotonic) -> None:
        self._ask = ask
        self._book = book
        self._parts: PartCache[Sold | None] = PartCache(self._fetch, book, clock)
        self._products: WeakValueDictionary[str, Products] = WeakValueDictionary()
        self._clock = clock
        self._begun: Lately[str, tuple[int, float]] = Lately()

    async def best(
        self, shop: str, currency: str | None, start: datetime, end: datetime
    ) -> list[Row]:
        """The products that sold best, as `sold.best`; none without a currency.

        Raises:
            EngineUnavailable, EngineError: as the engine.
        """
        if currency is None or start >= end:
            return []
        parts = await self._sold(shop, start, end)
        if parts is None:
            return await self._ask.top(shop, currency, start, end)
        return sold.best(parts, currency)

    async def units(
        self, shop: str, products: Sequence[str], start: datetime, end: datetime
    ) -> dict[str, int]:
        """Units of some products that sold in any currency; one that sold none may be missing.

        Raises:
            EngineUnavailable, EngineError: as the engine.
        """
        parts = await self._sold(shop, start, end)
        if parts is not None:
            return sold.units(parts, products)
        rows = await self._ask.sold_units(shop, products, start, end)
        return {row["product_id"]: row["units"] for row in rows}

    async def _sold(self, shop: str, start: datetime, end: datetime) -> list[Sold] | None:
        """None: not in memory."""
        if not self._parts.keeps(shop):
            return None
        parts = [_part(run) for run in pieces(start, end)]
        if not self._worthwhile(shop, len(self._parts.stale(shop, parts))):
            return None
        sold = await self._parts.get(shop, parts)
        return None if None in sold else cast(list[Sold], sold)

    def _worthwhile(self, shop: str, stale: int) -> bool:
        """Whether so many parts should be read: they cost more than one statement, and are of use if they last."""
        if stale <= FEW:
            return True
        version, now = self._book.standing(shop).version, self._clock()
        known = self._begun.get(shop)
        if known and now < known[1] + AGAIN_SECONDS and self._book.touched(shop, known[0]) is None:
            return False
        if version is not None:
            self._begun.put(shop, (version, now))
        return True

    async def _fetch(self, shop: str, parts: Sequence[Part]) -> list[Sized[Sold | None]]:
        found = await asyncio.gather(*(self._span(shop, span) for span in _spans(parts)))
        fetched = {part: one for some in found for part, one in some.items()}
        return [fetched[part] for part in parts]

    async def _span(self, shop: str, span: Sequence[Part]) -> dict[Part, Sized[Sold | None]]:
        """None of each where they are too much together."""
        window, start, end = span[0].window, span[0].start, span[-1].end
        columns = await self._ask.sold_parts(shop, window, start, end)
        products = self._products.get(shop)
        if products is None:  # as long as any part has them there is no other
            products = self._products[shop] = Products()
        found = None
        if columns is not None and len(products.ids) <= PRODUCTS:
            found = sold.read_sold(columns, [part.start for part in span], products)
        if found is None:
            return dict.fromkeys(span, Sized(None, 0))
        return {
            part: Sized(one, one.size(), products) for part, one in zip(span, found, strict=True)
        }


def _part(run: Run) -> Part:
    return Part(run.window, int(run.start.timestamp()), int(run.end.timestamp()))


def _spans(parts: Sequence[Part]) -> list[list[Part]]:
    """What is read by one statement each; quarters of an hour, which the engine sums, alone."""
    found: list[list[Part]] = []
    for part in sorted(parts):
        first = found[-1][0] if found else None
        near = first and part.end - first.start <= SPAN * (part.end - part.start)
        if near and first and part.window == first.window != QUARTERS:
            found[-1].append(part)
        else:
            found.append([part])
    return found
