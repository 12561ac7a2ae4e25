"""The report `trends`: a number for each day, smoothed, and beside the days before. Pure."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from zoneinfo import ZoneInfo

from api.reports import days, money
from api.reports.report import Cut, Facts
from api.reports.sales import span
from api.reports.span import LAST_DAYS, Span
from api.reports.totals import Body, Sums, Totals, entries

WINDOW = 7
"""Days of the moving average, the day itself included."""


@dataclass(frozen=True, slots=True)
class Trends:
    """Of the days of `span`."""

    span: Span = LAST_DAYS
    needs = frozenset[str]()

    def cut(self, today: date, zone: ZoneInfo) -> Cut:
        """Into days, from the period before on, or as far back as the moving average reaches."""
        first, last = self.span.dates(today)
        back = max((last - first).days + 1, WINDOW - 1)
        marks = days.marks(days.dates(first - days.DAY * back, last), last, zone)
        return Cut(first, last, marks, since=back)

    def head(self, cut: Cut) -> Body:
        """Its dates."""
        return span(cut)

    def fields(self, cut: Cut, sums: Sums, facts: Facts, zone: ZoneInfo) -> Body:
        """The series and what follows from it."""
        length = len(sums.parts) - cut.since
        dates = days.date_texts(cut.first, cut.last)
        revenues = [part.revenue for part in sums.parts[cut.since - WINDOW + 1 :]]
        averages = money.moving_averages(revenues, WINDOW)
        return {
            "series": entries("date", dates, sums.parts[cut.since :]),
            "movingAverage7": [money.number(average) for average in averages],
            "change": _change(sums.total(cut.since - length, cut.since), sums.total(cut.since)),
        }


def _change(before: Totals, now: Totals) -> Body:
    return {
        "totalRevenue": _fraction(before.revenue, now.revenue),
        "totalOrders": _fraction(Decimal(before.orders), Decimal(now.orders)),
        "totalItems": _fraction(Decimal(before.items), Decimal(now.items)),
    }


def _fraction(before: Decimal, now: Decimal) -> object:
    """What changed, as a fraction of what was; None where that is not above 0."""
    if before <= 0:
        return None
    return money.number(money.ratio(money.difference(now, before), before))
