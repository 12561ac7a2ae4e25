"""Local days of a time zone, found by looking at the clock and nothing else."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

QUARTER = timedelta(minutes=15)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
MARGIN = timedelta(hours=18)
"""More than any zone is ahead of or behind UTC."""


@cache
def settled_zone(written: str) -> str:
    """The name that a report shows: that of the database as it is, of an offset `+hh:mm`."""
    if written in available_timezones():
        return written
    ahead = _ahead(written)
    hours, minutes = divmod(abs(ahead) // timedelta(minutes=1), 60)
    sign = "-" if ahead < timedelta() else "+"
    return f"{sign}{hours:02}:{minutes:02}" if ahead else "UTC"


@cache
def zone_of(name: str) -> tzinfo:
    return ZoneInfo(name) if name in available_timezones() else timezone(_ahead(name))


def _ahead(offset: str) -> timedelta:
    digits = offset.removeprefix("UTC").removeprefix("GMT")
    if digits == "Z":
        return timedelta()
    sign, clock = digits[0], digits[1:]
    if ":" not in clock:
        clock = f"{clock[:-2]}:{clock[-2:]}" if len(clock) > 2 else f"{clock}:0"
    hours, minutes = map(int, clock.split(":"))
    ahead = timedelta(hours=hours, minutes=minutes)
    return -ahead if sign == "-" else ahead


def local_date(moment: datetime, zone: tzinfo) -> date:
    return moment.astimezone(zone).date()


@cache
def start(day: date, zone: tzinfo) -> datetime:
    """The first instant (UTC) whose local date is this or a later one: zones may skip a day."""
    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
    return _first(lambda moment: local_date(moment, zone) >= day, midnight - MARGIN)


@cache
def end(day: date, zone: tzinfo) -> datetime:
    """The instant after the last one of the local day: a clock that is put back may come to it twice."""
    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
    moment = midnight + DAY + MARGIN
    while local_date(moment - QUARTER, zone) > day:
        moment -= QUARTER
    return _first(lambda then: local_date(then, zone) > day, moment - QUARTER)


def hours(day: date, zone: tzinfo) -> list[datetime]:
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
