"""The five reports: sales of a day, a week and a month; metrics and trends, beside the days before. Pure."""

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from api.reports import days, money
from api.reports.days import LAST_DAYS, Span
from api.reports.report import (
    Body,
    Paid,
    Payments,
    Period,
    ReportData,
    Sums,
    Totals,
    entries,
    top_products,
)

WEEK = timedelta(days=7)
NEEDS = frozenset({"top"})
WINDOW = 7
"""Days of the moving average, the day itself included."""


@dataclass(frozen=True, slots=True)
class DailySales:
    """`day` None is today."""

    day: date | None = None
    needs = NEEDS

    def period(self, today: date, zone: ZoneInfo) -> Period:
        """The day, by hour."""
        day = self.day or today
        return Period(day, day, days.hours(day, zone))

    def head(self, period: Period) -> Body:
        """`date`."""
        return {"date": period.first.isoformat()}

    def fields(self, period: Period, sums: Sums, data: ReportData, zone: ZoneInfo) -> Body:
        """Totals, `hourlyBreakdown` and `topProducts`."""
        hours = entries("start", days.hour_texts(period.first, zone), sums.parts)
        return _fields(sums, "hourlyBreakdown", hours, data)


@dataclass(frozen=True, slots=True)
class WeeklySales:
    """Seven days from `start` on; None is this week's Monday."""

    start: date | None = None
    needs = NEEDS

    def period(self, today: date, zone: ZoneInfo) -> Period:
        """The week, by day."""
        first = self.start or monday(today)
        last = first + WEEK - days.DAY
        return Period(first, last, days.boundaries(days.dates(first, last), last, zone))

    def head(self, period: Period) -> Body:
        """`week` and `weekYear`, the ISO week in which it begins, `startDate` and `endDate`."""
        year, week, _ = period.first.isocalendar()
        return {"week": week, "weekYear": year, **dates(period)}

    def fields(self, period: Period, sums: Sums, data: ReportData, zone: ZoneInfo) -> Body:
        """Totals, `dailyBreakdown` and `topProducts`."""
        found = entries("date", days.date_texts(period.first, period.last), sums.parts)
        return _fields(sums, "dailyBreakdown", found, data)


@dataclass(frozen=True, slots=True)
class MonthlySales:
    """`year` and `month` each None: the present one."""

    year: int | None = None
    month: int | None = None
    needs = NEEDS

    def period(self, today: date, zone: ZoneInfo) -> Period:
        """The month, by Monday weeks clipped to it."""
        first = date(self.year or today.year, self.month or today.month, 1)
        last = (first + timedelta(days=31)).replace(day=1) - days.DAY
        return Period(first, last, days.boundaries(_weeks(first, last), last, zone))

    def head(self, period: Period) -> Body:
        """`year` and `month`."""
        return {"year": period.first.year, "month": period.first.month}

    def fields(self, period: Period, sums: Sums, data: ReportData, zone: ZoneInfo) -> Body:
        """Totals, `weeklyBreakdown` and `topProducts`."""
        begins = _weeks(period.first, period.last)
        ends = [*(begin - days.DAY for begin in begins[1:]), period.last]
        weeks = [
            {
                "week": begin.isocalendar().week,
                "startDate": begin.isoformat(),
                "endDate": end.isoformat(),
                **part.body(),
            }
            for begin, end, part in zip(begins, ends, sums.parts, strict=True)
        ]
        return _fields(sums, "weeklyBreakdown", weeks, data)


@dataclass(frozen=True, slots=True)
class Metrics:
    """The days of `span`."""

    span: Span = LAST_DAYS
    needs = frozenset({"top", "sessions", "payments", "parts"})

    def period(self, today: date, zone: ZoneInfo) -> Period:
        """The days, and as many before them."""
        first, last = self.span.dates(today)
        before = first - (last - first) - days.DAY
        return Period(first, last, days.boundaries((before, first), last, zone), since=1)

    def head(self, period: Period) -> Body:
        """`startDate` and `endDate`."""
        return dates(period)

    def fields(self, period: Period, sums: Sums, data: ReportData, zone: ZoneInfo) -> Body:
        """Totals, rates, `topProducts`, `payments` and `previousPeriod`."""
        before, total = sums.parts
        items = money.average(total.items, total.orders)
        return {
            **total.whole(sums.decimals),
            **_parts(data),
            "averageItemsPerOrder": money.number(items),
            "sessions": data.sessions,
            "conversionRate": _rate(total.orders, data.sessions),
            "topProducts": top_products(data),
            "payments": _payments(data.payments),
            "previousPeriod": before.whole(sums.decimals),
        }


@dataclass(frozen=True, slots=True)
class Trends:
    """The days of `span`."""

    span: Span = LAST_DAYS
    needs = frozenset[str]()

    def period(self, today: date, zone: ZoneInfo) -> Period:
        """By day, from the period before on, or as far back as the moving average reaches."""
        first, last = self.span.dates(today)
        back = max((last - first).days + 1, WINDOW - 1)
        boundaries = days.boundaries(days.dates(first - days.DAY * back, last), last, zone)
        return Period(first, last, boundaries, since=back)

    def head(self, period: Period) -> Body:
        """`startDate` and `endDate`."""
        return dates(period)

    def fields(self, period: Period, sums: Sums, data: ReportData, zone: ZoneInfo) -> Body:
        """`grossRevenue`, `refunds`, `series`, `movingAverage7` and `change`."""
        length = len(sums.parts) - period.since
        dates = days.date_texts(period.first, period.last)
        revenues = [part.revenue for part in sums.parts[period.since - WINDOW + 1 :]]
        averages = money.moving_averages(revenues, WINDOW, sums.decimals)
        total = sums.total(period.since)
        return {
            **total.before_refunds(),
            "series": entries("date", dates, sums.parts[period.since :]),
            "movingAverage7": [money.number(average) for average in averages],
            "change": _change(sums.total(period.since - length, period.since), total),
        }


def monday(day: date) -> date:
    """The Monday of the week of `day`."""
    return day - days.DAY * day.weekday()


def dates(period: Period) -> Body:
    """The first and the last date of a period."""
    return {"startDate": period.first.isoformat(), "endDate": period.last.isoformat()}


def _weeks(first: date, last: date) -> list[date]:
    """The dates on which the weeks of a month begin in it."""
    begins, following = [first], monday(first) + WEEK
    while following <= last:
        begins.append(following)
        following += WEEK
    return begins


def _fields(sums: Sums, name: str, breakdown: list[Body], data: ReportData) -> Body:
    return {**sums.total().whole(sums.decimals), name: breakdown, "topProducts": top_products(data)}


def _payments(payments: Payments | None) -> Body:
    received, failed, _ = payments or Payments()
    return {
        "received": _paid(received),
        "failed": _paid(failed),
        "failureRate": _rate(failed.number, received.number + failed.number),
    }


def _parts(data: ReportData) -> Body:
    """`totalTax`, `totalShipping`, `totalDiscount`, `totalTip`."""
    names = ("tax", "shipping", "discount", "tip")
    return {
        f"total{name.capitalize()}": money.number(data.parts.get(name, money.ZERO))
        for name in names
    }


def _paid(paid: Paid) -> Body:
    return {"count": paid.number, "amount": money.number(paid.amount)}


def _rate(part: int, whole: int) -> object:
    return money.number(money.average(Decimal(part), whole, decimals=4)) if whole > 0 else None


def _change(before: Totals, now: Totals) -> Body:
    return {
        "totalRevenue": _fraction(before.revenue, now.revenue),
        "totalOrders": _fraction(Decimal(before.orders), Decimal(now.orders)),
        "totalItems": _fraction(before.items, now.items),
    }


def _fraction(before: Decimal, now: Decimal) -> object:
    """What changed, as a fraction of what was; None where that is not above 0."""
    if before <= 0:
        return None
    return money.number(money.ratio(money.difference(now, before), before))
