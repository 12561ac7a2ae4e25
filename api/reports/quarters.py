"""Sums of quarters of an hour as columns in memory, exact at any size. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from api.reports.columns import Column, money, summable, wide
from clickhouse.client import Row

QUARTER_BYTES = 28
"""Of one row in memory, where its revenue fits 64 bits."""
CURRENCY_BYTES = 700
"""Of a currency beside its rows."""
_ROW = np.dtype(
    [
        ("slot", "<u4"),
        ("currency", "S3"),
        ("orders", "<i8"),
        ("items", "<i8"),
        ("low", "<u8"),
        ("high", "<i8"),
    ]
)
"""A row of `quarters.sql` in RowBinary, https://clickhouse.com/docs/interfaces/formats/RowBinary; the revenue is a
whole number of 1/10000 in 128 bits."""


@dataclass(frozen=True, slots=True)
class Quarters:
    """Of one currency, by time; a quarter may have several rows. `slot` in Unix seconds, `revenue` in 1/10000."""

    slot: Column
    orders: Column
    items: Column
    revenue: Column

    def between(self, start: int, end: int) -> "Quarters":
        """From one instant to before another, in memory of their own: the rest can be forgotten."""
        first, last = np.searchsorted(self.slot, (start, end))
        return Quarters(*(column[first:last].copy() for column in self._columns()))

    def sums(self, marks: Sequence[int]) -> Iterable[tuple[int, int, int, int]]:
        """(mark, orders, items, revenue) between each mark and the next, where there is any row."""
        edges = np.searchsorted(self.slot, np.asarray(marks, np.uint32))
        first, last = edges[0], edges[-1]
        if first == last:
            return ()
        some = np.flatnonzero(np.diff(edges))
        sums = [
            np.diff(_running(column[first:last])[edges - first])[some].tolist()
            for column in (self.orders, self.items, self.revenue)
        ]
        return zip((marks[number] for number in some.tolist()), *sums, strict=True)

    def _columns(self) -> tuple[Column, ...]:
        return self.slot, self.orders, self.items, self.revenue


Currencies = Mapping[str, Quarters]


def read(content: bytes) -> dict[str, Quarters]:
    """Rows of `quarters.sql`, by currency."""
    rows = np.frombuffer(content, _ROW)
    rows = rows[np.lexsort((rows["slot"], rows["currency"]))]
    codes, starts = np.unique(rows["currency"], return_index=True)
    parts = np.split(rows, starts[1:])
    return {code.decode(): _quarters(some) for code, some in zip(codes, parts, strict=False)}


def joined(parts: Iterable[Currencies]) -> dict[str, Quarters]:
    """Of parts that follow one another in time."""
    found: dict[str, list[Quarters]] = {}
    for part in parts:
        for code, quarters in part.items():
            found.setdefault(code, []).append(quarters)
    return {code: _joined(some) for code, some in found.items()}


def between(part: Currencies, start: int, end: int) -> dict[str, Quarters]:
    """From one instant to before another."""
    return {code: quarters.between(start, end) for code, quarters in part.items()}


def rows(part: Currencies, marks: Sequence[int]) -> list[Row]:
    """As `read_sums` takes them; `marks` (Unix seconds) rise."""
    return [
        {
            "begin": begin,
            "currency": code,
            "orders": orders,
            "revenue": money(revenue),
            "items": items,
        }
        for code, quarters in part.items()
        for begin, orders, items, revenue in quarters.sums(marks)
    ]


def size(part: Currencies) -> int:
    """Bytes in memory, roughly."""
    return sum(CURRENCY_BYTES + len(one.slot) * QUARTER_BYTES for one in part.values())


def _quarters(some: npt.NDArray[np.void]) -> Quarters:
    slot, orders, items = (np.ascontiguousarray(some[name]) for name in ("slot", "orders", "items"))
    return Quarters(slot, orders, items, wide(some["low"], some["high"]))


def _running(column: Column) -> Column:
    """The sum before each row and after the last; Python's own numbers where 64 bits might not hold it."""
    column = summable(column)
    return np.concatenate([np.zeros(1, column.dtype), np.cumsum(column)])


def _joined(some: list[Quarters]) -> Quarters:
    if len(some) == 1:
        return some[0]
    slot, orders, items, revenue = (
        np.concatenate(column) for column in zip(*(one._columns() for one in some), strict=True)
    )
    return Quarters(slot, orders, items, revenue)
