"""The report `metrics`: totals of some days, what visitors and payments did, and the days before. Pure."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from zoneinfo import ZoneInfo

from shopstream.api.reports import days, money
from shopstream.api.reports.report import Cut, Facts, top_products
from shopstream.api.reports.sales import span
from shopstream.api.reports.span import LAST_DAYS, Span
from shopstream.api.reports.totals import Body, Sums
from shopstream.clickhouse.client import Row


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


def _payments(row: Row | None) -> Body:
    received, failed = (row["received"], row["failed"]) if row else (0, 0)
    return {
        "received": _paid(received, row["received_amount"] if row else "0"),
        "failed": _paid(failed, row["failed_amount"] if row else "0"),
        "failureRate": _rate(failed, received + failed),
    }


def _paid(count: int, amount: str) -> Body:
    return {"count": count, "amount": money.number(Decimal(amount))}


def _rate(part: int, whole: int) -> object:
    return money.number(money.average(Decimal(part), whole, decimals=4)) if whole > 0 else None
