"""The whole body of `GET /reports/daily-sales`, but for `asOf`."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

from oracle.book import Book, Version
from oracle.tables import currencies, names

TOP = 10


class Reports:
    """Daily reports of a book that does not change any more. Every shop is in UTC: none said otherwise."""

    def __init__(self, book: Book) -> None:
        versions = list(book.orders.values())
        self._names = names(versions)
        self._currencies = currencies(versions)
        self._days: dict[tuple[str, date], list[Version]] = defaultdict(list)
        for version in versions:
            if version.counted:
                self._days[version.shop, version.created.date()].append(version)
        self.dates: dict[str, set[date]] = defaultdict(set)
        for version in versions:
            self.dates[version.shop].add(version.created.date())

    def daily_sales(self, shop: str, day: date, now: datetime) -> dict[str, Any]:
        currency = self._currencies.get(shop)
        versions = self._days.get((shop, day), [])
        ours = [version for version in versions if version.currency == currency]
        totals = _totals(ours)
        return {
            "shopId": shop,
            "date": day.isoformat(),
            "currency": currency,
            "timezone": "UTC",
            "partial": now.date() <= day,
            **totals,
            "averageOrderValue": half_even(totals["totalRevenue"], len(ours)),
            "hourlyBreakdown": _hours(ours, day),
            "topProducts": self._top(shop, ours),
            "otherCurrencies": [
                {"currency": code, **_totals(v for v in versions if v.currency == code)}
                for code in sorted({v.currency for v in versions} - {currency})
            ],
        }

    def _top(self, shop: str, versions: Iterable[Version]) -> list[dict[str, Any]]:
        quantity: dict[str, int] = defaultdict(int)
        revenue: dict[str, Decimal] = defaultdict(Decimal)
        for line in (line for version in versions for line in version.lines):
            quantity[line.product] += line.quantity - line.refunded
            revenue[line.product] += (line.quantity - line.refunded) * line.price
        sold = [p for p in quantity if quantity[p] or revenue[p]]
        return [
            {
                "productId": product,
                "name": self._names.get((shop, product)),
                "quantity": quantity[product],
                "revenue": revenue[product],
            }
            for product in sorted(sold, key=lambda p: (-revenue[p], p))[:TOP]
        ]


def daily_sales(book: Book, shop: str, day: date, now: datetime | None = None) -> dict[str, Any]:
    """One report; for many, make `Reports` once."""
    return Reports(book).daily_sales(shop, day, now or datetime.now(UTC))


def _totals(versions: Iterable[Version]) -> dict[str, Any]:
    found = list(versions)
    return {
        "totalRevenue": sum((version.revenue for version in found), Decimal(0)),
        "totalOrders": len(found),
        "totalItems": sum(version.items for version in found),
    }


def _hours(versions: Iterable[Version], day: date) -> list[dict[str, Any]]:
    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
    hours: list[list[Version]] = [[] for _ in range(24)]
    for version in versions:
        hours[version.created.hour].append(version)
    return [
        {"start": (midnight + timedelta(hours=number)).isoformat(), **_totals(hour)}
        for number, hour in enumerate(hours)
    ]


def half_even(amount: Decimal, count: int, decimals: int = 2) -> Decimal | None:
    """amount / count, rounded from the exact fraction."""
    if not count:
        return None
    shifted = round(Fraction(amount) / count * 10**decimals)  # to even, for a Fraction
    return Decimal(shifted).scaleb(-decimals)
