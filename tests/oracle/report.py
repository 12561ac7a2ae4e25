"""Whole bodies of the five reports, but for `asOf` and when they were revised, which events do not tell.

A `now` decides what is today, and what is not over.
"""

from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from oracle.book import Book
from oracle.days import days, end, hours, local_date, monday, month, start, weeks
from oracle.exact import average, half_even, total
from oracle.payments import Payment
from oracle.shop import Body, Shop, shops, totals
from oracle.stock import stock

WEEK = 7


class Reports:
    """Reports of a book that does not change any more."""

    def __init__(self, book: Book) -> None:
        self._book = book
        self._shops = shops(book)
        self.dates: dict[str, set[date]] = defaultdict(set)
        """Local dates with an order, by shop."""
        for name, shop in self._shops.items():
            if shop.dates:
                self.dates[name] = shop.dates

    def shop(self, name: str) -> Shop:
        """An empty one where nothing is known."""
        return self._shops.get(name) or Shop(name, None)

    def daily_sales(self, name: str, day: date | None, now: datetime) -> Body:
        shop = self.shop(name)
        day = day or local_date(now, shop.zone)
        ours = shop.ours([day])
        return {
            **_common(shop, day, day, now),
            "date": day.isoformat(),
            **shop.whole([day]),
            "hourlyBreakdown": _hours(shop, day),
            "topProducts": shop.top(ours),
        }

    def weekly_sales(self, name: str, first: date | None, now: datetime) -> Body:
        shop = self.shop(name)
        first = first or monday(local_date(now, shop.zone))
        last = first + timedelta(days=WEEK - 1)
        ours = shop.ours(days(first, last))
        year, week, _ = first.isocalendar()
        return {
            **_common(shop, first, last, now),
            "week": week,
            "weekYear": year,
            **_span(first, last),
            **shop.whole(days(first, last)),
            "dailyBreakdown": _series(shop, first, last),
            "topProducts": shop.top(ours),
        }

    def monthly_sales(self, name: str, year: int | None, number: int | None, now: datetime) -> Body:
        shop = self.shop(name)
        today = local_date(now, shop.zone)
        first, last = month(year or today.year, number or today.month)
        ours = shop.ours(days(first, last))
        return {
            **_common(shop, first, last, now),
            "year": first.year,
            "month": first.month,
            **shop.whole(days(first, last)),
            "weeklyBreakdown": [
                {
                    "week": begin.isocalendar().week,
                    **_span(begin, until),
                    **totals(shop.ours(days(begin, until))),
                }
                for begin, until in weeks(first, last)
            ],
            "topProducts": shop.top(ours),
        }

    def metrics(self, name: str, now: datetime, period: int | tuple[date, date] = 30) -> Body:
        """`period`: days that end today, or the first and the last date."""
        shop = self.shop(name)
        first, last = _period(shop, now, period)
        ours = shop.ours(days(first, last))
        sessions = sum(len(shop.sessions.get(day, ())) for day in days(first, last))
        orders, items = len(ours), sum((version.items for version in ours), Decimal(0))
        return {
            **_common(shop, first, last, now),
            **_span(first, last),
            **shop.whole(days(first, last)),
            "totalTax": total(version.tax or Decimal(0) for version in ours),
            "totalShipping": total(version.shipping or Decimal(0) for version in ours),
            "totalDiscount": total(version.discount or Decimal(0) for version in ours),
            "totalTip": total(version.tip or Decimal(0) for version in ours),
            "averageItemsPerOrder": average(items, orders),
            "sessions": sessions,
            "conversionRate": average(orders, sessions, 4),
            "topProducts": shop.top(ours),
            "payments": _payments(shop, first, last),
            "previousPeriod": shop.whole(days(*_previous(first, last))),
        }

    def trends(self, name: str, now: datetime, period: int | tuple[date, date] = 30) -> Body:
        """`period` as for metrics."""
        shop = self.shop(name)
        first, last = _period(shop, now, period)
        return {
            **_common(shop, first, last, now),
            **_span(first, last),
            **shop.before_refunds(days(first, last)),
            "series": _series(shop, first, last),
            "movingAverage7": [_moving(shop, day) for day in days(first, last)],
            "change": _change(
                totals(shop.ours(days(first, last))),
                totals(shop.ours(days(*_previous(first, last)))),
            ),
        }

    def stock(self, name: str, now: datetime, low: bool | None = None) -> Body:
        """All pages as one, so `next` is null."""
        on_order = self._book.purchases.on_order
        return {"shopId": name, "levels": stock(self.shop(name), on_order, now, low), "next": None}


def daily_sales(book: Book, shop: str, day: date, now: datetime | None = None) -> dict[str, Any]:
    """One report; for many, make `Reports` once."""
    return Reports(book).daily_sales(shop, day, now or datetime.now(UTC))


def _common(shop: Shop, first: date, last: date, now: datetime) -> Body:
    return {
        "shopId": shop.name,
        "currency": shop.currency,
        "timezone": shop.timezone,
        "otherCurrencies": shop.others(days(first, last)),
        "partial": now < end(last, shop.zone),
    }


def _span(first: date, last: date) -> Body:
    return {"startDate": first.isoformat(), "endDate": last.isoformat()}


def _hours(shop: Shop, day: date) -> list[Body]:
    begins = hours(day, shop.zone)
    parts: list[list[Any]] = [[] for _ in begins]
    for version in shop.ours([day]):
        passed = version.placed - start(day, shop.zone)
        parts[passed // timedelta(hours=1)].append(version)
    return [
        {"start": begin.astimezone(shop.zone).isoformat(), **totals(part)}
        for begin, part in zip(begins, parts, strict=True)
    ]


def _series(shop: Shop, first: date, last: date) -> list[Body]:
    return [{"date": day.isoformat(), **totals(shop.ours([day]))} for day in days(first, last)]


def _period(shop: Shop, now: datetime, period: int | tuple[date, date]) -> tuple[date, date]:
    if isinstance(period, tuple):
        return period
    today = local_date(now, shop.zone)
    return today - timedelta(days=period - 1), today


def _previous(first: date, last: date) -> tuple[date, date]:
    """As many days, right before."""
    count = (last - first).days + 1
    return first - timedelta(days=count), first - timedelta(days=1)


def _moving(shop: Shop, day: date) -> Decimal:
    """The revenue of this day and the six before it, by seven."""
    week = shop.ours(days(day - timedelta(days=WEEK - 1), day))
    return half_even(total(version.revenue for version in week), WEEK, shop.places)


def _change(now: Body, before: Body) -> Body:
    return {
        name: half_even(now[name] - before[name], before[name], 4) if before[name] > 0 else None
        for name in now
    }


def _payments(shop: Shop, first: date, last: date) -> Body:
    """Those in the shop's currency."""
    made = [p for day in days(first, last) for p in shop.payments.get(day, ())]
    ours = [payment for payment in made if payment.currency == shop.currency]
    received = [payment for payment in ours if payment.received]
    failed = [payment for payment in ours if not payment.received]
    return {
        "received": _counted(received),
        "failed": _counted(failed),
        "failureRate": average(len(failed), len(ours), 4),
    }


def _counted(payments: list[Payment]) -> Body:
    return {"count": len(payments), "amount": total(payment.amount for payment in payments)}
