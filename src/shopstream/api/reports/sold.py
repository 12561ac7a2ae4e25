"""What products sold, as columns in memory, exact at any size. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Context, Decimal
from itertools import islice, pairwise
from typing import Any, NamedTuple

import numpy as np

from shopstream.api.reports.columns import Column, summable, wide
from shopstream.clickhouse.client import Row

Columns = Sequence[Sequence[Any]]
BEST = 10
ROW_BYTES, CURRENCY_BYTES, PRODUCT_BYTES = 24, 700, 160
"""Of a row, of a currency beside its rows, and of a product beside its id."""
_EXACT = Context(prec=60)


@dataclass(eq=False, slots=True, weakref_slot=True)
class Products:
    """The products of a shop by number, which only become more."""

    ids: list[str] = field(default_factory=list)
    _numbers: dict[str, int] = field(default_factory=dict)

    def of(self, ids: Sequence[str]) -> Column:
        """The number of each, new ones for those that have none."""
        known = self._numbers
        found = np.fromiter((known.setdefault(one, len(known)) for one in ids), np.int64, len(ids))
        self.ids.extend(islice(known, len(self.ids), None))
        return found

    def size(self, first: int) -> int:
        """Bytes in memory from a number on, roughly."""
        return sum(PRODUCT_BYTES + len(one) for one in islice(self.ids, first, None))

    def find(self, product: str) -> int | None:
        """Its number, where it has one."""
        return self._numbers.get(product)


class Lines(NamedTuple):
    """Numbers of products, units, and revenue in 1/10000; a product may have several."""

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
        rows = sum(len(lines.product) for lines in self.lines.values())
        return CURRENCY_BYTES * len(self.lines) + ROW_BYTES * rows


def read_sold(columns: Columns, begins: Sequence[int], products: Products) -> list[Sold]:
    """Columns of `sold.sql`, for each of the instants at which the parts begin (Unix seconds).

    Without any row there are no columns either.
    """
    begin, currency, product, quantity, low, high = columns or [()] * 6
    codes = {code: number for number, code in enumerate(dict.fromkeys(currency))}
    group = np.array(begin, np.int64) * len(codes)
    if len(codes) > 1:
        group += np.fromiter((codes[code] for code in currency), np.int64, len(currency))
    order = np.argsort(group, kind="stable")
    group = group[order]
    units, money = (
        np.array(quantity, np.int64),
        wide(np.array(low, np.uint64), np.array(high, np.int64)),
    )
    lines = [column[order] for column in (products.of(product), units, money)]
    edges = [0, *(np.flatnonzero(np.diff(group)) + 1).tolist(), len(group)]
    names = list(codes)
    found: dict[int, dict[str, Lines]] = {begin: {} for begin in begins}
    for first, last in pairwise(edges):
        if first < last and int(group[first]) // len(codes) in found:
            at, code = divmod(int(group[first]), len(codes))
            found[at][names[code]] = Lines(*(column[first:last].copy() for column in lines))
    return [Sold(products, found[begin]) for begin in begins]


def best(parts: Sequence[Sold], currency: str) -> list[Row]:
    """The products that sold best in all the parts together: by revenue, then by id; none that sold nothing."""
    products, quantity, revenue = _sums(parts, [currency])
    some = np.flatnonzero((quantity != 0) | (revenue != 0))
    if len(some) > BEST:
        least = np.partition(revenue[some], len(some) - BEST)[len(some) - BEST]
        some = some[revenue[some] >= least]
    rows = [(-int(revenue[one]), products.ids[one], int(quantity[one])) for one in some.tolist()]
    return [
        {
            "product_id": product,
            "quantity": units,
            "revenue": Decimal(-money).scaleb(-4, _EXACT),
        }
        for money, product, units in sorted(rows)[:BEST]
    ]


def units(parts: Sequence[Sold], wanted: Iterable[str]) -> dict[str, int]:
    """Units of some products that sold in all the parts together, in any currency."""
    currencies = {code for part in parts for code in part.lines}
    products, quantity, _ = _sums(parts, currencies)
    numbers = {product: products.find(product) for product in wanted}
    return {
        product: int(quantity[number])
        for product, number in numbers.items()
        if number is not None and number < len(quantity)
    }


def _sums(parts: Sequence[Sold], currencies: Iterable[str]) -> tuple[Products, Column, Column]:
    """By the number of the product. Parts may number them in different ways."""
    products = parts[-1].products
    some = [
        _numbered(part, lines, products)
        for code in currencies
        for part in parts
        if (lines := part.lines.get(code))
    ]
    if not some:
        return products, np.zeros(0, np.int64), np.zeros(0, np.int64)
    number, quantity, revenue = (np.concatenate(columns) for columns in zip(*some, strict=True))
    count = len(products.ids)
    return products, _by(number, quantity, count), _by(number, revenue, count)


def _numbered(part: Sold, lines: Lines, products: Products) -> Lines:
    if part.products is products:
        return lines
    ids = part.products.ids
    return lines._replace(product=products.of([ids[number] for number in lines.product.tolist()]))


def _by(number: Column, column: Column, count: int) -> Column:
    column = summable(column)
    sums = np.zeros(count, column.dtype)
    np.add.at(sums, number, column)
    return sums
