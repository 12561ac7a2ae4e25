"""What products of shops sold: cached as columns, exact at any size, or summed by ClickHouse where that is too much."""

import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from itertools import count, pairwise
from sys import getsizeof
from typing import NamedTuple, Protocol, cast
from weakref import WeakValueDictionary

import numpy as np

from api.freshness.source import FreshnessSource
from api.lru import LruCache
from api.reports.cache import BucketCache, Sized
from api.reports.days import PRODUCT_15M, Bucket, split_period
from api.reports.money import Column, from_units, summable, wide
from api.reports.windows import WindowRows
from clickhouse.client import Row
from shopstream.contracts.notices import SALES

PRODUCTS = 30_000
"""Of a shop; what it sold is too much to be cached once they are more."""
SPAN = 7
"""Buckets at most that one statement reads, with what lies between them: what it gives is taken in at one go."""
FEW = 3
"""Buckets that are always worth reading."""
AGAIN_SECONDS = 5.0
"""Where all of a shop may have changed since much of it was read, much of it is read again only after so long."""
BEST = 10
"""As many as `top_products.sql` gives."""
CURRENCIES = 1000
"""Of a bucket; added up over the buckets that are read at once."""
ROW_BYTES, LONG_BYTES, CURRENCY_BYTES, PRODUCT_BYTES = 24, 48, 700, 110
"""Of a row, of a number in it that does not fit 64 bits, of a currency beside its rows, and of a product beside
its id."""


@dataclass(eq=False, slots=True, weakref_slot=True)
class ProductNumbers:
    """The products of a shop by number, which only become more."""

    ids: list[str] = field(default_factory=list)
    _numbers: dict[str, int] = field(default_factory=dict)
    _size: int = 0

    def of(self, ids: Sequence[str]) -> Column:
        """The number of each, new ones for those that have none."""
        known = self._numbers
        new = [one for one in dict.fromkeys(ids) if one not in known]
        known.update(zip(new, count(len(known)), strict=False))
        found = np.array(list(map(known.__getitem__, ids)), np.int64)
        self.ids += new
        self._size += sum(map(getsizeof, new)) + PRODUCT_BYTES * len(new)
        return found

    def size(self) -> int:
        """Bytes in memory, roughly."""
        return self._size

    def find(self, product: str) -> int | None:
        """Its number, where it has one."""
        return self._numbers.get(product)


class Lines(NamedTuple):
    """Columns: numbers of products, units and revenue, both in 1/10000; a product may be in several rows."""

    product: Column
    quantity: Column
    revenue: Column


@dataclass(frozen=True, slots=True)
class ProductSums:
    """What a bucket sold, by currency."""

    products: ProductNumbers
    lines: Mapping[str, Lines]

    def size(self) -> int:
        """Bytes in memory, roughly."""
        return sum(
            CURRENCY_BYTES
            + len(lines.product)
            * (
                ROW_BYTES
                + LONG_BYTES * (lines.quantity.dtype == object)
                + LONG_BYTES * (lines.revenue.dtype == object)
            )
            for lines in self.lines.values()
        )


def read_product_sums(
    rows: WindowRows, buckets: Sequence[Bucket], products: ProductNumbers
) -> list[ProductSums] | None:
    """What each of the buckets, all of one window, sold; None where their currencies are too many."""
    codes, group = np.unique(rows.currency, return_inverse=True)
    group = group + rows.start.astype(np.int64) * len(codes)
    order = np.argsort(group, kind="stable")
    group = group[order]
    quantity, revenue = (wide(one["low"], one["high"]) for one in (rows.quantity, rows.revenue))
    lines = Lines(products.of(rows.product)[order], quantity[order], revenue[order])
    edges = [0, *(np.flatnonzero(np.diff(group)) + 1).tolist(), len(group)]
    if len(edges) > CURRENCIES:
        return None
    names = [code.decode() for code in codes]
    found: dict[int, dict[str, Lines]] = {}
    for first, last in pairwise(edges):
        if first < last:
            instant, code = divmod(int(group[first]), len(codes))
            some = Lines(*(column[first:last].copy() for column in lines))
            found.setdefault(instant, {})[names[code]] = some
    return [ProductSums(products, found.get(bucket.first, {})) for bucket in buckets]


def best(buckets: Sequence[ProductSums], currency: str) -> list[Row]:
    """The products that sold best in all the buckets together: by revenue, then by id; none that sold nothing."""
    products = buckets[0].products
    quantity, revenue = (_sums(buckets, [currency], of) for of in ("quantity", "revenue"))
    some = np.flatnonzero((quantity != 0) | (revenue != 0))
    if len(some) > BEST:
        least = np.partition(revenue[some], len(some) - BEST)[len(some) - BEST]
        some = some[revenue[some] >= least]
    numbers = sorted(some.tolist(), key=lambda one: (-revenue[one], products.ids[one]))
    return [
        {
            "product_id": products.ids[one],
            "quantity": from_units(int(quantity[one])),
            "revenue": from_units(int(revenue[one])),
        }
        for one in numbers[:BEST]
    ]


def units(buckets: Sequence[ProductSums], wanted: Iterable[str]) -> dict[str, Decimal]:
    """Units of some products that sold in all the buckets together, in any currency."""
    currencies = {code for bucket in buckets for code in bucket.lines}
    quantity = _sums(buckets, currencies, "quantity")
    numbers = {product: buckets[0].products.find(product) for product in wanted}
    return {
        product: from_units(int(quantity[number]))
        for product, number in numbers.items()
        if number is not None and number < len(quantity)
    }


def _sums(buckets: Sequence[ProductSums], currencies: Iterable[str], of: str) -> Column:
    """Of a column, by the number of the product; all buckets are of one shop and its numbering."""
    some = [lines for code in currencies for bucket in buckets if (lines := bucket.lines.get(code))]
    if not some:
        return np.zeros(0, np.int64)
    column = summable(np.concatenate([getattr(lines, of) for lines in some]))
    sums = np.zeros(len(buckets[0].products.ids), column.dtype)
    np.add.at(sums, np.concatenate([lines.product for lines in some]), column)
    return sums


class ProductQueries(Protocol):
    """Where rows come from."""

    async def top(
        self, shop: str, currency: str, start: datetime, end: datetime, /
    ) -> list[Row]: ...

    async def product_units(
        self, shop: str, products: Sequence[str], start: datetime, end: datetime, /
    ) -> list[Row]: ...


class ProductSales:
    """Sums of cached buckets. While nothing can be cached, or where a period has too many rows, each question is a
    statement of its own."""

    def __init__(
        self,
        queries: ProductQueries,
        windows: Callable[[str, Sequence[Bucket]], Awaitable[Sequence[WindowRows | None]]],
        known: FreshnessSource,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._queries = queries
        self._windows = windows
        self._known = known
        self._buckets: BucketCache[ProductSums | None] = BucketCache(known, SALES, clock)
        self._numbers: WeakValueDictionary[str, ProductNumbers] = WeakValueDictionary()
        self._clock = clock
        self._all_read: LruCache[str, tuple[int, float]] = LruCache()

    async def best(self, shop: str, currency: str, start: datetime, end: datetime) -> list[Row]:
        """The products that sold best, as `best`.

        Raises:
            EngineUnavailable, EngineError: as the engine.
        """
        if start >= end:
            return []
        buckets = await self._sold(shop, start, end)
        if buckets is None:
            return await self._queries.top(shop, currency, start, end)
        return best(buckets, currency)

    async def units(
        self, shop: str, products: Sequence[str], start: datetime, end: datetime
    ) -> dict[str, Decimal]:
        """Units of some products that sold in any currency; one that sold none may be missing.

        Raises:
            EngineUnavailable, EngineError: as the engine.
        """
        buckets = await self._sold(shop, start, end)
        if buckets is not None:
            return units(buckets, products)
        rows = await self._queries.product_units(shop, products, start, end)
        return {row["product_id"]: Decimal(row["units"]) for row in rows}

    async def _sold(self, shop: str, start: datetime, end: datetime) -> list[ProductSums] | None:
        """None: not in memory."""
        if not self._buckets.keeps(shop):
            return None
        buckets = split_period(start, end)
        if not self._worthwhile(shop, len(self._buckets.stale(shop, buckets))):
            return None
        sums = await self._buckets.get(shop, buckets, self._fetch)
        return None if None in sums else cast(list[ProductSums], sums)

    def _worthwhile(self, shop: str, stale: int) -> bool:
        """Whether so many buckets should be read: they cost more than one statement, and are of use if they last."""
        if stale <= FEW:
            return True
        version, now = self._known.freshness(shop).version, self._clock()
        known = self._all_read.get(shop)
        if (
            known
            and now < known[1] + AGAIN_SECONDS
            and self._known.changed_days(shop, SALES, known[0]) is None
        ):
            return False
        if version is not None:
            self._all_read.put(shop, (version, now))
        return True

    async def _fetch(self, shop: str, buckets: Sequence[Bucket]) -> list[Sized[ProductSums | None]]:
        spans = _spans(buckets)
        runs = [span[0]._replace(end=span[-1].end) for span in spans]
        found = await self._windows(shop, runs)
        fetched: dict[Bucket, Sized[ProductSums | None]] = {}
        for span, rows in zip(spans, found, strict=True):
            fetched |= self._span(shop, span, rows)
        return [fetched[bucket] for bucket in buckets]

    def _span(
        self, shop: str, span: Sequence[Bucket], rows: WindowRows | None
    ) -> dict[Bucket, Sized[ProductSums | None]]:
        """None of each where they are too much together."""
        products = self._numbers.get(shop)
        if products is None:  # as long as any bucket has them there is no other
            products = self._numbers[shop] = ProductNumbers()
        found = None
        if rows is not None and len(products.ids) <= PRODUCTS:
            found = read_product_sums(rows, span, products)
        if found is None:
            return dict.fromkeys(span, Sized(None, 0))
        return {
            bucket: Sized(one, one.size(), products.size())
            for bucket, one in zip(span, found, strict=True)
        }


def _spans(buckets: Sequence[Bucket]) -> list[list[Bucket]]:
    """What is read by one statement each; 15-minute buckets, which the engine sums, alone."""
    found: list[list[Bucket]] = []
    for bucket in sorted(buckets):
        first = found[-1][0] if found else None
        near = first and bucket.end - first.start <= SPAN * (bucket.end - bucket.start)
        if near and first and bucket.window == first.window != PRODUCT_15M:
            found[-1].append(bucket)
        else:
            found.append([bucket])
    return found
