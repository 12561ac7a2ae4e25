"""One shop in its own time zone and currency: what happened on each local day."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, tzinfo
from decimal import Decimal
from typing import Any

from oracle.book import Book
from oracle.days import local_date, zone_of
from oracle.exact import average, total
from oracle.levels import Level
from oracle.names import currencies, names
from oracle.orders import Version
from oracle.payments import Payment

Body = dict[str, Any]
TOP = 10
FINE = dict.fromkeys(["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"], 3) | {"CLF": 4, "UYW": 4}
"""Currencies with more than 2 decimals."""


@dataclass
class Shop:
    """`orders` are the counted ones, in any currency, `gross` those and the refunded ones; `refunds` each with its
    currency, on its own date; `dates` those of every order."""

    name: str
    currency: str | None
    timezone: str = "UTC"
    threshold: int | None = None
    orders: dict[date, list[Version]] = field(default_factory=lambda: defaultdict(list))
    gross: dict[date, list[Version]] = field(default_factory=lambda: defaultdict(list))
    refunds: dict[date, list[tuple[str, Decimal]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    payments: dict[date, list[Payment]] = field(default_factory=lambda: defaultdict(list))
    sessions: dict[date, set[str]] = field(default_factory=lambda: defaultdict(set))
    levels: list[Level] = field(default_factory=list)
    called: dict[str, str] = field(default_factory=dict)
    dates: set[date] = field(default_factory=set)

    @property
    def zone(self) -> tzinfo:
        return zone_of(self.timezone)

    @property
    def places(self) -> int:
        """Decimals of averages."""
        return FINE.get(self.currency or "", 2)

    def every(self, days: Iterable[date]) -> list[Version]:
        """Counted orders of these local days, in every currency."""
        return [version for day in days for version in self.orders.get(day, ())]

    def ours(self, days: Iterable[date]) -> list[Version]:
        """Those in the shop's currency."""
        return [version for version in self.every(days) if version.currency == self.currency]

    def before_refunds(self, days: Iterable[date]) -> Body:
        """What was sold in the shop's currency on these days, and what was paid back on them."""
        days = list(days)
        sold = [v for day in days for v in self.gross.get(day, ()) if v.currency == self.currency]
        paid = [
            amount
            for day in days
            for currency, amount in self.refunds.get(day, ())
            if currency == self.currency
        ]
        return {
            "grossRevenue": total(version.total for version in sold),
            "refunds": {"count": len(paid), "amount": total(paid)},
        }

    def whole(self, days: Iterable[date]) -> Body:
        """The totals of a period in the shop's currency."""
        days = list(days)
        return {**with_average(self.ours(days), self.places), **self.before_refunds(days)}

    def others(self, days: Iterable[date]) -> list[Body]:
        """Totals in each other currency."""
        found = self.every(days)
        return [
            {"currency": code, **totals(v for v in found if v.currency == code)}
            for code in sorted({v.currency for v in found} - {self.currency})
        ]

    def top(self, versions: Iterable[Version]) -> list[Body]:
        """The products that brought in most."""
        quantity: dict[str, Decimal] = defaultdict(Decimal)
        parts: dict[str, list[Decimal]] = defaultdict(list)
        for line in (line for version in versions for line in version.lines):
            quantity[line.product] += line.left
            parts[line.product].append(line.revenue)
        revenue = {product: total(amounts) for product, amounts in parts.items()}
        sold = [p for p in quantity if quantity[p] or revenue[p]]
        return [
            {
                "productId": product,
                "name": self.called.get(product),
                "quantity": quantity[product],
                "revenue": revenue[product],
            }
            for product in sorted(sold, key=lambda p: (-revenue[p], p))[:TOP]
        ]


def totals(versions: Iterable[Version]) -> Body:
    found = list(versions)
    return {
        "totalRevenue": total(version.revenue for version in found),
        "totalOrders": len(found),
        "totalItems": sum((version.items for version in found), Decimal(0)),
    }


def with_average(versions: Iterable[Version], places: int) -> Body:
    found = totals(versions)
    mean = average(found["totalRevenue"], found["totalOrders"], places)
    return {**found, "averageOrderValue": mean}


def shops(book: Book) -> dict[str, Shop]:
    """Every shop of which anything is known."""
    money, called = currencies(book), names(book)
    found: dict[str, Shop] = {}

    def shop(name: str) -> Shop:
        if name not in found:
            told = book.settings.get(name)
            said = () if told is None else (told.timezone, told.threshold)
            found[name] = Shop(name, money.get(name), *said)
        return found[name]

    for name in book.settings:
        shop(name)
    for version in book.orders.values():
        owner = shop(version.shop)
        day = local_date(version.placed, owner.zone)
        owner.dates.add(day)
        if version.counted:
            owner.orders[day].append(version)
        if version.gross is not None:
            owner.gross[day].append(version)
        for at, amount in version.refunds:
            owner.refunds[local_date(at, owner.zone)].append((version.currency, amount))
    for payment in book.payments.values():
        owner = shop(payment.shop)
        owner.payments[local_date(payment.at, owner.zone)].append(payment)
    for (name, session), seen in book.visits.seen.items():
        for at in seen:
            shop(name).sessions[local_date(at, shop(name).zone)].add(session)
    for level in book.levels.values():
        shop(level.shop).levels.append(level)
    for (name, product), text in called.items():
        shop(name).called[product] = text
    return found
