"""Local days of a time zone, found by looking at the clock and nothing else."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

QUARTER = timedelta(minutes=15)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
MARGIN = timedelta(hours=18)
"""More than any zone is ahead of or behind UTC."""


def local_date(moment: datetime, zone: ZoneInfo) -> date:
    return moment.astimezone(zone).date()


@cache
def start(day: date, zone: ZoneInfo) -> datetime:
    """The first instant (UTC) whose local date is this or a later one: zones may skip a day."""
    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
    return _first(lambda moment: local_date(moment, zone) >= day, midnight - MARGIN)


@cache
def end(day: date, zone: ZoneInfo) -> datetime:
    """The instant after the last one of the local day: a clock that is put back may come to it twice."""
    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
    moment = midnight + DAY + MARGIN
    while local_date(moment - QUARTER, zone) > day:
        moment -= QUARTER
    return _first(lambda then: local_date(then, zone) > day, moment - QUARTER)


def hours(day: date, zone: ZoneInfo) -> list[datetime]:
    """When the hours of the day begin, counted from its first instant; the last may be a shorter one."""
    found, moment = [], start(day, zone)
    while moment < end(day, zone):
        found.append(moment)
        moment += HOUR
    return found


def days(first: date, last: date) -> list[date]:
    """Both included."""
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


def monday(day: date) -> date:
    return day - timedelta(days=day.weekday())


def month(year: int, number: int) -> tuple[date, date]:
    """Its first and last date."""
    following = date(year + number // 12, number % 12 + 1, 1)
    return date(year, number, 1), following - DAY


def weeks(first: date, last: date) -> list[tuple[date, date]]:
    """Weeks from Monday to Sunday, clipped to a period."""
    mondays = days(first, last)[:1] + [d for d in days(first, last)[1:] if d.weekday() == 0]
    return [(begin, min(monday(begin) + timedelta(days=6), last)) for begin in mondays]


def _first(reached: Callable[[datetime], bool], moment: datetime) -> datetime:
    """The first second at or after `moment` for which it holds, by quarters of an hour."""
    while not reached(moment):
        moment += QUARTER
    before = moment - QUARTER
    while moment - before > timedelta(seconds=1):
        middle = before + (moment - before) // 2
        middle = middle.replace(microsecond=0)
        if reached(middle):
            moment = middle
        else:
            before = middle
    return moment
