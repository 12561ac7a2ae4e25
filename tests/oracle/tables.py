"""The window tables as they must be. Rows in which everything is 0 are left out: a merge drops them."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from oracle.book import Book, Version

Sums = dict[tuple[str, ...], tuple[Decimal, ...]]


@dataclass(frozen=True)
class Tables:
    """By table name: {key columns as text: numbers}. `names` and `currencies` are text."""

    sums: dict[str, Sums]
    names: dict[tuple[str, str], str]
    currencies: dict[str, str]
    orders: dict[tuple[str, str], tuple[Any, ...]]


def tables(book: Book) -> Tables:
    """From the latest version of each order."""
    versions = list(book.orders.values())
    counted = [version for version in versions if version.counted]
    sums = {
        "sales_15m": _sales(counted, lambda v: slot(v.created)),
        "sales_day": _sales(counted, lambda v: v.created.date().isoformat()),
        "product_day": _products(counted, lambda v: v.created.date().isoformat()),
        "product_month": _products(counted, lambda v: f"{v.created:%Y-%m}-01"),
    }
    orders = {
        (v.shop, v.order_id): (v.place, v.created, v.status, v.currency, v.total, v.refund)
        for v in versions
    }
    return Tables(sums, names(versions), currencies(versions), orders)


def slot(moment: datetime) -> str:
    """The beginning of its quarter of an hour (UTC)."""
    begin = moment - timedelta(
        minutes=moment.minute % 15, seconds=moment.second, microseconds=moment.microsecond
    )
    return f"{begin:%Y-%m-%d %H:%M:%S}"


def _sales(counted: Iterable[Version], period: Any) -> Sums:
    rows: dict[tuple[str, ...], list[Decimal]] = defaultdict(lambda: [Decimal(0)] * 3)
    for version in counted:
        row = rows[version.shop, period(version), version.currency]
        row[0] += 1
        row[1] += version.revenue
        row[2] += version.items
    return _without_zeros(rows)


def _products(counted: Iterable[Version], period: Any) -> Sums:
    rows: dict[tuple[str, ...], list[Decimal]] = defaultdict(lambda: [Decimal(0)] * 2)
    for version in counted:
        when = period(version)
        for line in version.lines:
            row = rows[version.shop, when, version.currency, line.product]
            left = line.quantity - line.refunded
            row[0] += left
            row[1] += left * line.price
    return _without_zeros(rows)


def _without_zeros(rows: dict[tuple[str, ...], list[Decimal]]) -> Sums:
    return {key: tuple(row) for key, row in rows.items() if any(row)}


def names(versions: Iterable[Version]) -> dict[tuple[str, str], str]:
    """(shop, product): the name in the latest order that names it, as the orders now stand."""
    best: dict[tuple[str, str], tuple[tuple[int, int], str]] = {}
    for version in versions:
        when = (version.place.micros, version.place.tie)
        # the last line of an order wins
        named = {line.product: line.name for line in version.lines if line.name is not None}
        for product, name in named.items():
            key = (version.shop, product)
            if key not in best or when > best[key][0]:
                best[key] = (when, name)
    return {key: name for key, (_, name) in best.items()}


def currencies(versions: Iterable[Version]) -> dict[str, str]:
    """The currency of each shop: of its earliest order by createdAt, then order id."""
    first: dict[str, Version] = {}
    for version in versions:
        known = first.get(version.shop)
        place = (version.created, version.order_id)
        if known is None or place < (known.created, known.order_id):
            first[version.shop] = version
    return {shop: version.currency for shop, version in first.items()}
