"""Sales and payments in 15-minute buckets, cached as columns a month at a time, and sessions of local days."""

import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from api.freshness.source import FreshnessSource
from api.reports.cache import BucketCache, Sized
from api.reports.days import Bucket, month_around
from api.reports.money import ZERO, Column, add, from_units, summable, wide
from api.reports.windows import GRAIN_NUMBERS, WindowRows
from clickhouse.client import Row
from shopstream.contracts.notices import SESSIONS

SLOT_BYTES = 60
"""Of one row in memory, where its amounts fit 64 bits."""
CURRENCY_BYTES = 700
"""Of a currency beside its rows."""
SUMS = ("orders", "items", "revenue", "gross", "refunds", "refunded")
LATEST = ("revised", "refunds_revised")
"""Unix seconds, of which the greatest is asked for."""


@dataclass(frozen=True, slots=True)
class Slots:
    """15-minute buckets of one currency, by time; one may have several rows. `slot` in Unix seconds; `columns` are
    `SUMS` and `LATEST`, decimals in 1/10000."""

    slot: Column
    columns: tuple[Column, ...]

    def between(self, start: int, end: int) -> "Slots":
        """From one instant to before another (Unix seconds), as a copy: the rest can be freed."""
        first, last = np.searchsorted(self.slot, (start, end))
        columns = tuple(column[first:last].copy() for column in self.columns)
        return Slots(self.slot[first:last].copy(), columns)

    def sums(self, boundaries: Sequence[int]) -> Iterable[tuple[int, ...]]:
        """(boundary, *SUMS, *LATEST) between each boundary and the next, where there is any row."""
        edges = np.searchsorted(self.slot, np.asarray(boundaries, np.uint32))
        first, last = edges[0], edges[-1]
        if first == last:
            return ()
        some = np.flatnonzero(np.diff(edges))
        begin = edges[some] - first
        found = [column[first:last] for column in self.columns]
        sums = [np.add.reduceat(summable(one), begin).tolist() for one in found[: len(SUMS)]]
        latest = [np.maximum.reduceat(one, begin).tolist() for one in found[len(SUMS) :]]
        begins = (boundaries[number] for number in some.tolist())
        return zip(begins, *sums, *latest, strict=True)


Currencies = Mapping[str, Slots]


class SlotRows(NamedTuple):
    """Rows of 15-minute buckets: `slot` in Unix seconds, `currency` as bytes, `columns` as those of `Slots`."""

    slot: Column
    currency: Column
    columns: tuple[Column, ...]


def sales_rows(windows: WindowRows) -> SlotRows:
    """What windows say of sales."""
    sales, refunds = (
        windows.grain == GRAIN_NUMBERS[grain] for grain in ("sales_15m", "refunds_15m")
    )
    revenue = wide(windows.revenue["low"], windows.revenue["high"])
    columns = (
        np.where(sales, windows.orders, 0),
        wide(windows.quantity["low"], windows.quantity["high"]),
        np.where(sales, revenue, 0),
        np.where(refunds, 0, revenue),
        np.where(refunds, windows.orders, 0),
        np.where(refunds, revenue, 0),
        np.where(refunds, 0, windows.revised),
        np.where(refunds, windows.revised, 0),
    )
    return SlotRows(windows.start, windows.currency, columns)


def payment_rows(
    slot: Column, currency: Column, payments: Column, amount: Column, revised: Column
) -> SlotRows:
    """Columns of `payments_15m.sql`, the amount as `INT128`: payments are orders here, and amounts revenue."""
    none = np.zeros_like(payments)
    revenue = wide(amount["low"], amount["high"])
    columns = (payments, none, revenue, none, none, none, revised, np.zeros_like(revised))
    return SlotRows(slot, currency, columns)


def read_slots(rows: SlotRows) -> dict[str, Slots]:
    """The rows by currency and time."""
    codes = rows.currency.astype("S4").view(">u4")
    order = np.lexsort((rows.slot, codes))
    edges = np.flatnonzero(np.diff(codes[order])) + 1
    slots, currencies, *columns = (
        np.split(column[order], edges) for column in (rows.slot, rows.currency, *rows.columns)
    )
    return {
        some[0].decode(): Slots(slot, tuple(own))
        for some, slot, *own in zip(currencies, slots, *columns, strict=True)
        if len(slot)
    }


def joined(months: Iterable[Currencies]) -> dict[str, Slots]:
    """The columns of months that follow one another in time."""
    found: dict[str, list[Slots]] = {}
    for month in months:
        for code, slots in month.items():
            found.setdefault(code, []).append(slots)
    return {code: _joined(some) for code, some in found.items()}


def sum_rows(currencies: Currencies, boundaries: Sequence[int]) -> list[Row]:
    """As `read_sums` takes them; `boundaries` (Unix seconds) rise."""
    return [
        {
            "begin": begin,
            "currency": code,
            "orders": orders,
            "items": from_units(items),
            "revenue": (amount := from_units(revenue)),
            "gross": amount if gross == revenue else from_units(gross),
            "refunds": refunds,
            "refunded": from_units(refunded),
            "revised": revised,
            "refunds_revised": refunds_revised,
        }
        for code, slots in currencies.items()
        for begin, orders, items, revenue, gross, refunds, refunded, revised, refunds_revised in (
            slots.sums(boundaries)
        )
    ]


def _joined(some: list[Slots]) -> Slots:
    if len(some) == 1:
        return some[0]
    columns = zip(*(one.columns for one in some), strict=True)
    return Slots(
        np.concatenate([one.slot for one in some]),
        tuple(np.concatenate(column) for column in columns),
    )


class SalesSums:
    """Sums of a kind: sales, or payments. `ask` gives the 15-minute buckets of a shop, as `read_slots` takes them, from
    one instant to before another (Unix seconds)."""

    def __init__(
        self,
        ask: Callable[[str, int, int], Awaitable[SlotRows]],
        known: FreshnessSource,
        kind: str,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ask = ask
        self._months: BucketCache[Currencies] = BucketCache(known, kind, clock)

    async def sums(self, shop: str, boundaries: list[int]) -> list[Row]:
        """Sums between each of the boundaries (Unix seconds, rising) and the next, as `read_sums` takes them, in
        every currency.

        Raises:
            EngineUnavailable, EngineError: as the engine.
        """
        start, end = boundaries[0], boundaries[-1]
        if not self._months.keeps(shop):
            return sum_rows(read_slots(await self._ask(shop, start, end)), boundaries)
        months = await self._months.get(shop, _months(start, end), self._fetch)
        return sum_rows(joined(months), boundaries)

    async def _fetch(self, shop: str, months: Sequence[Bucket]) -> list[Sized[Currencies]]:
        # months between these are read too: a year costs half a millisecond more than a month
        found = read_slots(await self._ask(shop, months[0].start, months[-1].end))
        return [_month(found, month) for month in months]


class PartSums(NamedTuple):
    """Parts of totals, such as `tax`, by currency and name, of which any may be missing; when one last changed, Unix
    seconds."""

    amounts: Mapping[str, Mapping[str, Decimal]]
    revised: int


def part_sums(windows: WindowRows) -> PartSums:
    """The parts of totals that windows add up to."""
    found: dict[str, dict[str, int]] = {}
    amounts = wide(windows.revenue["low"], windows.revenue["high"]).tolist()
    for code, part, amount in zip(windows.currency.tolist(), windows.product, amounts, strict=True):
        sums = found.setdefault(code.decode(), {})
        sums[part] = sums.get(part, 0) + amount
    exact = {
        code: {part: from_units(units) for part, units in sums.items()}
        for code, sums in found.items()
    }
    return PartSums(exact, int(windows.revised.max(initial=0)))


def total_parts(sums: Iterable[Mapping[str, Decimal]]) -> Mapping[str, Decimal]:
    """The parts of one currency added up over buckets."""
    found: dict[str, Decimal] = {}
    for one in sums:
        for part, amount in one.items():
            found[part] = add(found.get(part, ZERO), amount)
    return found


def _month(found: Currencies, month: Bucket) -> Sized[Currencies]:
    currencies = {code: slots.between(month.start, month.end) for code, slots in found.items()}
    size = sum(CURRENCY_BYTES + len(slots.slot) * SLOT_BYTES for slots in currencies.values())
    return Sized(currencies, size)


def _months(start: int, end: int) -> list[Bucket]:
    """The months (UTC) that hold the instants from `start` to before `end`, and that of `start` in any case."""
    found: list[Bucket] = []
    while not found or found[-1].end < end:
        instant = datetime.fromtimestamp(found[-1].end if found else start, UTC)
        found.append(Bucket("month", *(int(edge.timestamp()) for edge in month_around(instant))))
    return found


class SessionSums:
    """A session counts once in a local day, so a bucket is a whole one. `ask` gives the rows of `sessions.sql` of a
    shop for days that begin at boundaries (Unix seconds)."""

    def __init__(
        self,
        ask: Callable[[str, Sequence[int]], Awaitable[list[Row]]],
        known: FreshnessSource,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ask = ask
        self._days: BucketCache[int] = BucketCache(known, SESSIONS, clock)

    async def total(self, shop: str, boundaries: Sequence[datetime]) -> int:
        """Sessions of local days: each begins at a boundary (UTC, rising) and ends at the next.

        Raises:
            EngineUnavailable, EngineError: as the engine.
        """
        # a day that the zone skips has no length
        seconds = dict.fromkeys(int(boundary.timestamp()) for boundary in boundaries)
        days = [Bucket("day", start, end) for start, end in pairwise(seconds)]
        return sum(await self._days.get(shop, days, self._fetch))

    async def _fetch(self, shop: str, days: Sequence[Bucket]) -> list[Sized[int]]:
        # what lies between the days is read too, and left out
        boundaries = sorted({instant for day in days for instant in (day.start, day.end)})
        rows = await self._ask(shop, boundaries)
        found = {row["begin"]: row["sessions"] for row in rows}
        return [Sized(found.get(day.start, 0), 0) for day in days]
