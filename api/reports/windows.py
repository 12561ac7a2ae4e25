"""Rows of `order_windows`. What a report needs of them at one moment is one statement where it is little: most of what
a small statement costs is its planning."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import compress, zip_longest

import numpy as np

from api.lru import LruCache
from api.reports.cache import TOO_BIG_SECONDS
from api.reports.days import DAY_SECONDS, WINDOWS, Bucket
from api.reports.money import Column
from clickhouse.windows import GRAINS

SALES_15M = "sales_15m"
GRAIN_NUMBERS = {name: number for number, name in enumerate(GRAINS, 1)}
"""As `order_windows` numbers them."""
SALES_GRAINS = ("sales_15m", "returned_15m", "refunds_15m")
SHORT_SECONDS = 62 * DAY_SECONDS
"""A longer range is read alone: what is read with it would wait for it."""


def grains(window: str) -> Sequence[str]:
    """The grains that a range of a window consists of."""
    return SALES_GRAINS if window == SALES_15M else (window,)


@dataclass(frozen=True, slots=True)
class WindowRows:
    """Columns of `order_windows.sql`: `grain` by number; `start` in Unix seconds, in `BY_DAY` that of the day (UTC);
    `currency` as bytes; `quantity` and `revenue` in 1/10000 as `INT128`; `revised` in Unix seconds. Several rows may
    have the same key."""

    grain: Column
    start: Column
    currency: Column
    product: list[str]
    orders: Column
    quantity: Column
    revenue: Column
    revised: Column

    def of(self, bucket: Bucket) -> "WindowRows":
        """The rows of one of the ranges that were read."""
        numbers = [GRAIN_NUMBERS[grain] for grain in grains(bucket.window)]
        some = np.isin(self.grain, numbers) & (
            (self.start >= bucket.first) & (self.start < bucket.end)
        )
        if some.all():
            return self
        return WindowRows(
            self.grain[some],
            self.start[some],
            self.currency[some],
            list(compress(self.product, some.tolist())),
            self.orders[some],
            self.quantity[some],
            self.revenue[some],
            self.revised[some],
        )


Read = Callable[[str, Sequence[Bucket]], Awaitable[WindowRows | None]]
"""Reads ranges of a shop, of each kind at most one; None where that is too much."""
Reading = asyncio.Task[dict[Bucket, WindowRows | None]]
"""Of the ranges of one statement."""


@dataclass(eq=False, slots=True)
class _Turn:
    ranges: dict[Bucket, None]
    beginning: asyncio.Task[dict[Bucket, Reading]]


class WindowReader:
    """Reads ranges of windows. Those of a shop that are requested in one turn of the event loop, such as sales and
    products of a report, are joined; who requested some of them waits for their statements alone."""

    def __init__(self, read: Read, clock: Callable[[], float] = time.monotonic) -> None:
        self._read = read
        self._clock = clock
        self._turns: dict[str, _Turn] = {}
        self._apart: LruCache[str, float] = LruCache()

    async def rows(self, shop: str, ranges: Iterable[Bucket]) -> list[WindowRows | None]:
        """The rows of each range; None of one that is too much.

        Raises:
            EngineUnavailable, EngineError: as the engine.
        """
        turn = self._turns.get(shop)
        if turn is None:
            beginning = asyncio.ensure_future(self._begin(shop))
            turn = self._turns[shop] = _Turn({}, beginning)
        wanted = list(ranges)
        turn.ranges.update(dict.fromkeys(wanted))
        readings = await asyncio.shield(turn.beginning)
        return [(await asyncio.shield(readings[one]))[one] for one in wanted]

    async def _begin(self, shop: str) -> dict[Bucket, Reading]:
        # runs in the next turn of the loop, when all ranges of this one are there
        ranges = self._turns.pop(shop).ranges
        apart = (self._apart.get(shop) or 0) > self._clock()
        found: dict[Bucket, Reading] = {}
        for group in [[one] for one in ranges] if apart else joined(ranges):
            reading = asyncio.ensure_future(self._group(shop, group))
            # retrieved, though nobody may wait for it any more
            reading.add_done_callback(lambda task: task.cancelled() or task.exception())
            found |= dict.fromkeys(group, reading)
        return found

    async def _group(self, shop: str, ranges: Sequence[Bucket]) -> dict[Bucket, WindowRows | None]:
        rows = await self._read(shop, ranges)
        if rows is not None:
            return {one: rows.of(one) for one in ranges}
        if len(ranges) == 1:
            return {ranges[0]: None}
        self._apart.put(shop, self._clock() + TOO_BIG_SECONDS)
        found = await asyncio.gather(*(self._group(shop, [one]) for one in ranges))
        return {one: rows for some in found for one, rows in some.items()}


def joined(ranges: Iterable[Bucket]) -> Iterable[list[Bucket]]:
    """What is read by one statement each: of each kind at most one, so that no row is of two; a long one alone."""
    kinds: dict[str, list[Bucket]] = {}
    for one in ranges:
        if one.end - one.start > SHORT_SECONDS:
            yield [one]
        else:
            kinds.setdefault("products" if one.window in WINDOWS else one.window, []).append(one)
    for some in zip_longest(*kinds.values()):
        yield [one for one in some if one is not None]
