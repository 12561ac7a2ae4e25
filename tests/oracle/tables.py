"""Every table as it must be. Sums in which everything is 0 are left out: a merge drops them."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from oracle.book import Book
from oracle.exact import difference, total
from oracle.names import names
from oracle.orders import Version
from oracle.rows import rows

Sums = dict[tuple[str, ...], tuple[Decimal, ...]]
Rows = dict[tuple[str, ...], Any]
SLOT = 900
LONG_AGO = 200


@dataclass(frozen=True)
class Tables:
    """By table name: {key columns as text: numbers}, {key columns as text: the other columns}."""

    sums: dict[str, Sums]
    rows: dict[str, Rows]
    names: dict[tuple[str, str], str]


def tables(book: Book) -> Tables:
    """From everything as it now stands."""
    counted = [version for version in book.orders.values() if version.counted]
    sums = {
        "sales_15m": _sales(counted),
        "returned_15m": _returned(book.orders.values()),
        "refunds_15m": _refunds(book.orders.values()),
        "parts_15m": _parts(counted),
        "product_15m": _products(counted, lambda v: slot(v.placed)),
        "product_day": _products(counted, lambda v: v.placed.date().isoformat()),
        "product_month": _products(counted, lambda v: f"{v.placed:%Y-%m}-01"),
        "payments_15m": _payments(book),
        "on_order": {key: (n,) for key, n in book.purchases.on_order.items() if n},
        "sessions_15m": _sessions(book),
    }
    return Tables(sums, rows(book), names(book))


def quarter(moment: datetime) -> datetime:
    """The beginning of its quarter of an hour (UTC)."""
    return moment - timedelta(
        minutes=moment.minute % 15, seconds=moment.second, microseconds=moment.microsecond
    )


def slot(moment: datetime) -> str:
    return f"{quarter(moment):%Y-%m-%d %H:%M:%S}"


class _Sums:
    """Adds numbers under keys, exactly."""

    def __init__(self) -> None:
        self._parts: dict[tuple[str, ...], list[tuple[Decimal | int, ...]]] = defaultdict(list)

    def add(self, key: tuple[str, ...], *numbers: Decimal | int) -> None:
        self._parts[key].append(numbers)

    def found(self) -> Sums:
        added = {
            key: tuple(total(map(Decimal, column)) for column in zip(*parts, strict=True))
            for key, parts in self._parts.items()
        }
        return {key: numbers for key, numbers in added.items() if any(numbers)}


def _sales(counted: Iterable[Version]) -> Sums:
    sums = _Sums()
    for v in counted:
        sums.add((v.shop, slot(v.placed), v.currency), 1, v.revenue, v.items)
    return sums.found()


def _returned(versions: Iterable[Version]) -> Sums:
    """What of gross is not in revenue, on the date of the order."""
    sums = _Sums()
    for v in versions:
        if v.gross is not None:
            revenue = v.revenue if v.counted else Decimal(0)
            sums.add((v.shop, slot(v.placed), v.currency), difference(v.gross, revenue))
    return sums.found()


def _refunds(versions: Iterable[Version]) -> Sums:
    """Their number and what they come to, on their own dates."""
    sums = _Sums()
    for v in versions:
        for at, amount in v.refunds:
            sums.add((v.shop, slot(at), v.currency), 1, amount)
    return sums.found()


def _parts(counted: Iterable[Version]) -> Sums:
    sums = _Sums()
    for v in counted:
        for name in ("tax", "shipping", "discount", "tip"):
            key = (v.shop, slot(v.placed), v.currency, name)
            sums.add(key, getattr(v, name) or Decimal(0))
    return sums.found()


def _products(counted: Iterable[Version], period: Callable[[Version], str]) -> Sums:
    sums = _Sums()
    for version in counted:
        when = period(version)
        for line in version.lines:
            key = (version.shop, when, version.currency, line.product)
            sums.add(key, line.left, line.revenue)
    return sums.found()


def _payments(book: Book) -> Sums:
    """Received, their amount, failed, their amount."""
    sums = _Sums()
    for p in book.payments.values():
        numbers = (1, p.amount, 0, 0) if p.received else (0, 0, 1, p.amount)
        sums.add((p.shop, slot(p.at), p.currency), *numbers)
    return sums.found()


def _sessions(book: Book) -> Sums:
    """By the quarters since the one in which the session was seen before."""
    sums = _Sums()
    for (shop, _), seen in book.visits.seen.items():
        before: datetime | None = None
        for moment in sorted({quarter(at) for at in seen}):
            passed = LONG_AGO if before is None else (moment - before).total_seconds() / SLOT
            sums.add((shop, slot(moment), str(min(LONG_AGO, int(passed)))), 1)
            before = moment
    return sums.found()
