"""What products of shops sold: kept in memory, or summed by the engine where that is too much."""

import asyncio
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol, cast
from weakref import WeakValueDictionary

from shopstream.api.reports import sold
from shopstream.api.reports.cover import QUARTERS, Run, pieces
from shopstream.api.reports.parts import DAY_SECONDS, Part, PartCache, Sized
from shopstream.api.reports.sold import Columns, Products, Sold
from shopstream.api.standing import Known
from shopstream.clickhouse.client import Row

PRODUCTS = 50_000
"""That one numbering holds; then another begins. A product's id is weighed with the part that brought it, and
lives as long as any part of that numbering."""
NEAR_SECONDS = 7 * DAY_SECONDS
"""Parts of a window no further apart are read by one statement, with what lies between them: a statement costs
more than some days."""


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
        self._parts: PartCache[Sold | None] = PartCache(self._fetch, book, clock)
        self._products: WeakValueDictionary[str, Products] = WeakValueDictionary()

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
        parts = await self._parts.get(shop, [_part(run) for run in pieces(start, end)])
        return None if None in parts else cast(list[Sold], parts)

    async def _fetch(self, shop: str, parts: Sequence[Part]) -> list[Sized[Sold | None]]:
        found = await asyncio.gather(*(self._span(shop, span) for span in _spans(parts)))
        fetched = {part: one for some in found for part, one in some.items()}
        return [fetched[part] for part in parts]

    async def _span(self, shop: str, span: Sequence[Part]) -> dict[Part, Sized[Sold | None]]:
        """None of each where they are too much together."""
        window, start, end = span[0].window, span[0].start, span[-1].end
        columns = await self._ask.sold_parts(shop, window, start, end)
        if columns is None:
            return dict.fromkeys(span, Sized(None, 0))
        products = self._numbered(shop)
        before = len(products.ids)
        found = sold.read_sold(columns, [part.start for part in span], products)
        brought = products.size(before)
        return {
            part: Sized(one, one.size() + (0 if number else brought))
            for number, (part, one) in enumerate(zip(span, found, strict=True))
        }

    def _numbered(self, shop: str) -> Products:
        """The shop's products, as long as any part has them."""
        products = self._products.get(shop)
        if products is None or len(products.ids) > PRODUCTS:
            products = self._products[shop] = Products()
        return products


def _part(run: Run) -> Part:
    return Part(run.window, int(run.start.timestamp()), int(run.end.timestamp()))


def _spans(parts: Sequence[Part]) -> list[list[Part]]:
    """What is read by one statement each; quarters of an hour, which the engine sums, alone."""
    found: list[list[Part]] = []
    for part in sorted(parts):
        last = found[-1][-1] if found else None
        if (
            last
            and part.window == last.window != QUARTERS
            and part.start - last.end <= NEAR_SECONDS
        ):
            found[-1].append(part)
        else:
            found.append([part])
    return found
