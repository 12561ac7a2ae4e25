"""The reports of a day, a week and a month: totals, a breakdown, the best products. Pure."""

from dataclasses import dataclass
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from api.reports import days
from api.reports.report import Cut, Facts, top_products
from api.reports.totals import Body, Sums, entries

WEEK = timedelta(days=7)
NEEDS = frozenset({"top"})


@dataclass(frozen=True, slots=True)
class DailySales:
    """`day` None is today."""

    day: date | None = None
    needs = NEEDS

    def cut(self, today: date, zone: ZoneInfo) -> Cut:
        """Into hours."""
        day = self.day or today
        return Cut(day, day, days.hours(day, zone))

    def head(self, cut: Cut) -> Body:
        """Its date."""
        return {"date": cut.first.isoformat()}

    def fields(self, cut: Cut, sums: Sums, facts: Facts, zone: ZoneInfo) -> Body:
        """Totals, hours, products."""
        hours = entries("start", days.hour_texts(cut.first, zone), sums.parts)
        return _fields(sums, "hourlyBreakdown", hours, facts)


@dataclass(frozen=True, slots=True)
class WeeklySales:
    """Seven days from `start` on; None is this week's Monday."""

    start: date | None = None
    needs = NEEDS

    def cut(self, today: date, zone: ZoneInfo) -> Cut:
        """Into days."""
        first = self.start or monday(today)
        last = first + WEEK - days.DAY
        return Cut(first, last, days.marks(days.dates(first, last), last, zone))

    def head(self, cut: Cut) -> Body:
        """The ISO week in which it begins, and its dates."""
        year, week, _ = cut.first.isocalendar()
        return {"week": week, "weekYear": year, **span(cut)}

    def fields(self, cut: Cut, sums: Sums, facts: Facts, zone: ZoneInfo) -> Body:
        """Totals, days, products."""
        found = entries("date", days.date_texts(cut.first, cut.last), sums.parts)
        return _fields(sums, "dailyBreakdown", found, facts)


@dataclass(frozen=True, slots=True)
class MonthlySales:
    """`year` and `month` each None: the present one."""

    year: int | None = None
    month: int | None = None
    needs = NEEDS

    def cut(self, today: date, zone: ZoneInfo) -> Cut:
        """Into Monday weeks, clipped to the month."""
        first = date(self.year or today.year, self.month or today.month, 1)
        last = (first + timedelta(days=31)).replace(day=1) - days.DAY
        return Cut(first, last, days.marks(_weeks(first, last), last, zone))

    def head(self, cut: Cut) -> Body:
        """Year and month."""
        return {"year": cut.first.year, "month": cut.first.month}

    def fields(self, cut: Cut, sums: Sums, facts: Facts, zone: ZoneInfo) -> Body:
        """Totals, weeks, products."""
        begins = _weeks(cut.first, cut.last)
        ends = [*(begin - days.DAY for begin in begins[1:]), cut.last]
        weeks = [
            {
                "week": begin.isocalendar().week,
                "startDate": begin.isoformat(),
                "endDate": end.isoformat(),
                **part.body(),
            }
            for begin, end, part in zip(begins, ends, sums.parts, strict=True)
        ]
        return _fields(sums, "weeklyBreakdown", weeks, facts)


def monday(day: date) -> date:
    """Of the week of `day`."""
    return day - days.DAY * day.weekday()


def span(cut: Cut) -> Body:
    """The first and the last date of a period."""
    return {"startDate": cut.first.isoformat(), "endDate": cut.last.isoformat()}


def _weeks(first: date, last: date) -> list[date]:
    """The dates on which the weeks of a month begin in it."""
    begins, following = [first], monday(first) + WEEK
    while following <= last:
        begins.append(following)
        following += WEEK
    return begins


def _fields(sums: Sums, name: str, breakdown: list[Body], facts: Facts) -> Body:
    return {**sums.total().whole(), name: breakdown, "topProducts": top_products(facts)}
