"""The report `metrics`: totals of some days, what visitors and payments did, and the days before. Pure."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from zoneinfo import ZoneInfo

from api.reports import days, money
from api.reports.report import Cut, Facts, Paid, Payments, top_products
from api.reports.sales import span
from api.reports.span import LAST_DAYS, Span
from api.reports.totals import Body, Sums


@dataclass(frozen=True, slots=True)
class Metrics:
    """Of the days of `span`."""

    span: Span = LAST_DAYS
    needs = frozenset({"top", "sessions", "payments"})

    def cut(self, today: date, zone: ZoneInfo) -> Cut:
        """Into the period and as many days before it."""
        first, last = self.span.dates(today)
        before = first - (last - first) - days.DAY
        return Cut(first, last, days.marks((before, first), last, zone), since=1)

    def head(self, cut: Cut) -> Body:
        """Its dates."""
        return span(cut)

    def fields(self, cut: Cut, sums: Sums, facts: Facts, zone: ZoneInfo) -> Body:
        """Totals and everything around them."""
        before, total = sums.parts
        items = money.average(Decimal(total.items), total.orders)
        return {
            **total.whole(),
            "averageItemsPerOrder": money.number(items),
            "sessions": facts.sessions,
            "conversionRate": _rate(total.orders, facts.sessions),
            "topProducts": top_products(facts),
            "payments": _payments(facts.payments),
            "previousPeriod": before.whole(),
        }


def _payments(payments: Payments | None) -> Body:
    received, failed = payments or Payments()
    return {
        "received": _paid(received),
        "failed": _paid(failed),
        "failureRate": _rate(failed.number, received.number + failed.number),
    }


def _paid(paid: Paid) -> Body:
    return {"count": paid.number, "amount": money.number(paid.amount)}


def _rate(part: int, whole: int) -> object:
    return money.number(money.average(Decimal(part), whole, decimals=4)) if whole > 0 else None
