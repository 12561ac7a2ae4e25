"""What products sold, as columns in memory, exact at any size. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice, pairwise
from sys import getsizeof
from typing import Any, NamedTuple

import numpy as np

from api.reports.columns import Column, money, summable, wide
from clickhouse.client import Row

Columns = Sequence[Sequence[Any]]
"""Of `sold_parts.sql`; none at all where there is no row."""
BEST = 10
"""As many as `top_products.sql` gives."""
CURRENCIES = 1000
"""Of a part; added up over the parts that are read at once."""
ROW_BYTES, LONG_BYTES, CURRENCY_BYTES, PRODUCT_BYTES = 24, 48, 700, 110
"""Of a row, of a revenue in it that does not fit 64 bits, of a currency beside its rows, and of a product beside
its id."""


@dataclass(eq=False, slots=True, weakref_slot=True)
class Products:
    """The products of a shop by number, which only become more."""

    ids: list[str] = field(default_factory=list)
    _numbers: dict[str, int] = field(default_factory=dict)
    _size: int = 0

    def of(self, ids: Sequence[str]) -> Column:
        """The number of each, new ones for those that have none."""
        known = self._numbers
        found = np.fromiter((known.setdefault(one, len(known)) for one in ids), np.int64, len(ids))
        new = list(islice(known, len(self.ids), None))
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
    """Columns: numbers of products, units, and revenue in 1/10000; a product may be in several rows."""

    product: Column
    quantity: Column
    revenue: Column


@dataclass(frozen=True, slots=True)
class Sold:
    """What a period sold, by currency."""

    products: Products
    lines: Mapping[str, Lines]

    def size(self) -> int:
        """Bytes in memory, roughly."""
        return sum(
            CURRENCY_BYTES
            + len(lines.product) * (ROW_BYTES + LONG_BYTES * (lines.revenue.dtype == object))
            for lines in self.lines.values()
        )


def read_sold(columns: Columns, begins: Sequence[int], products: Products) -> list[Sold] | None:
    """The rows of each of the parts that begin at these instants (Unix seconds); None where their currencies are
    too many."""
    begin, currency, product, quantity, low, high = columns or [()] * 6
    codes = {code: number for number, code in enumerate(dict.fromkeys(currency))}
    group = np.array(begin, np.int64) * len(codes)
    if len(codes) > 1:
        group += np.fromiter((codes[code] for code in currency), np.int64, len(currency))
    order = np.argsort(group, kind="stable")
    group = group[order]
    revenue = wide(np.array(low, np.uint64), np.array(high, np.int64))
    lines = Lines(products.of(product)[order], np.array(quantity, np.int64)[order], revenue[order])
    edges = [0, *(np.flatnonzero(np.diff(group)) + 1).tolist(), len(group)]
    if len(edges) > CURRENCIES:
        return None
    names = list(codes)
    found: dict[int, dict[str, Lines]] = {instant: {} for instant in begins}
    for first, last in pairwise(edges):
        instant, code = divmod(int(group[first]), len(codes)) if first < last else (None, 0)
        if instant in found:
            found[instant][names[code]] = Lines(*(column[first:last].copy() for column in lines))
    return [Sold(products, found[instant]) for instant in begins]


def best(parts: Sequence[Sold], currency: str) -> list[Row]:
    """The products that sold best in all the parts together: by revenue, then by id; none that sold nothing."""
    products = parts[0].products
    quantity, revenue = (_sums(parts, [currency], of) for of in ("quantity", "revenue"))
    some = np.flatnonzero((quantity != 0) | (revenue != 0))
    if len(some) > BEST:
        least = np.partition(revenue[some], len(some) - BEST)[len(some) - BEST]
        some = some[revenue[some] >= least]
    numbers = sorted(some.tolist(), key=lambda one: (-revenue[one], products.ids[one]))
    return [
        {
            "product_id": products.ids[one],
            "quantity": int(quantity[one]),
            "revenue": money(int(revenue[one])),
        }
        for one in numbers[:BEST]
    ]


def units(parts: Sequence[Sold], wanted: Iterable[str]) -> dict[str, int]:
    """Units of some products that sold in all the parts together, in any currency."""
    currencies = {code for part in parts for code in part.lines}
    quantity = _sums(parts, currencies, "quantity")
    numbers = {product: parts[0].products.find(product) for product in wanted}
    return {
        product: int(quantity[number])
        for product, number in numbers.items()
        if number is not None and number < len(quantity)
    }


def _sums(parts: Sequence[Sold], currencies: Iterable[str], of: str) -> Column:
    """Of a column, by the number of the product; all parts are of one shop and its numbering."""
    some = [lines for code in currencies for part in parts if (lines := part.lines.get(code))]
    if not some:
        return np.zeros(0, np.int64)
    column = summable(np.concatenate([getattr(lines, of) for lines in some]))
    sums = np.zeros(len(parts[0].products.ids), column.dtype)
    np.add.at(sums, np.concatenate([lines.product for lines in some]), column)
    return sums
