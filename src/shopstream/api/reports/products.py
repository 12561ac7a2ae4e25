"""What products of shops sold: kept in memory, or summed by the engine where that is too much."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime
from time import monotonic
from typing import Protocol
from weakref import WeakValueDictionary

from shopstream.api.reports.cover import QUARTERS, Run, pieces
from shopstream.api.reports.lately import Lately
from shopstream.api.reports.parts import Part, Parts, Weighed
from shopstream.api.reports.sold import Columns, Products, Sold, best, read_sold, units
from shopstream.api.reports.whole import BIG_SECONDS
from shopstream.api.standing import Known
from shopstream.clickhouse.client import Row

PRODUCTS = 50_000
"""That one numbering holds; then another begins."""
SPANS = 3
"""Of a window that are read by a statement each; more are read as one."""


class Ask(Protocol):
    """Where rows come from."""

    async def top(
        self, shop: str, currency: str, start: datetime, end: datetime, /
    ) -> list[Row]: ...

    async def sold(
        self, shop: str, products: Sequence[str], start: datetime, end: datetime, /
    ) -> list[Row]: ...

    async def sold_parts(
        self, shop: str, window: str, start: int, end: int, /
    ) -> Columns | None: ...


class _TooMuch(Exception):
    """More rows than are kept."""


class ProductBook:
    """Of a period that has too much, or while the pipeline's words cannot be read, each question is a statement."""

    def __init__(self, ask: Ask, book: Known, clock: Callable[[], float] = monotonic) -> None:
        self._ask = ask
        self._book = book
        self._clock = clock
        self._parts: Parts[Sold] = Parts(self._read, book, clock)
        self._products: WeakValueDictionary[str, Products] = WeakValueDictionary()
        self._big: Lately[tuple[str, datetime, datetime], float] = Lately()

    async def best(
        self, shop: str, currency: str | None, start: datetime, end: datetime
    ) -> list[Row]:
        """Those that sold best, as `best`; none without a currency.

        Raises:
            EngineUnavailable, EngineError: as the engine.
        """
        if currency is None or start >= end:
            return []
        sold = await self._sold(shop, start, end)
        return best(sold, currency) if sold else await self._ask.top(shop, currency, start, end)

    async def units(
        self, shop: str, products: Sequence[str], start: datetime, end: datetime
    ) -> dict[str, int]:
        """Units of some products that sold in any currency; one that sold none may be missing.

        Raises:
            EngineUnavailable, EngineError: as the engine.
        """
        if sold := await self._sold(shop, start, end):
            return units(sold, products)
        rows = await self._ask.sold(shop, products, start, end)
        return {row["product_id"]: row["units"] for row in rows}

    async def _sold(self, shop: str, start: datetime, end: datetime) -> list[Sold] | None:
        question = shop, start, end
        known = self._book.standing(shop).version is not None
        if not known or (self._big.get(question) or 0) > self._clock():
            return None
        try:
            return await self._parts.get(shop, [_part(run) for run in pieces(start, end)])
        except _TooMuch:
            self._big.put(question, self._clock() + BIG_SECONDS)
            return None

    async def _read(self, shop: str, parts: Sequence[Part]) -> list[Weighed[Sold]]:
        spans = _spans(parts)
        found = await asyncio.gather(*(self._span(shop, span) for span in spans))
        read = {part: sold for some in found for part, sold in some.items()}
        return [read[part] for part in parts]

    async def _span(self, shop: str, span: Sequence[Part]) -> dict[Part, Weighed[Sold]]:
        window, start, end = span[0].window, span[0].start, span[-1].end
        columns = await self._ask.sold_parts(shop, window, start, end)
        if columns is None:
            raise _TooMuch
        products = self._numbered(shop)
        before = len(products.ids)
        found = read_sold(columns, [part.start for part in span], products)
        brought = products.size(before)
        return {
            part: Weighed(sold, sold.size() + (0 if number else brought))
            for number, (part, sold) in enumerate(zip(span, found, strict=True))
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
    """Parts of a window that follow one another; quarters of an hour, which the engine sums, each for itself."""
    found: list[list[Part]] = []
    for window in dict.fromkeys(part.window for part in parts):
        spans: list[list[Part]] = []
        for part in sorted(part for part in parts if part.window == window):
            if spans and spans[-1][-1].end == part.start and window != QUARTERS:
                spans[-1].append(part)
            else:
                spans.append([part])
        many = len(spans) > SPANS and window != QUARTERS
        found += [[part for span in spans for part in span]] if many else spans
    return found
