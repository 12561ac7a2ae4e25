"""Local days of a time zone: their first instants, their hours, dates as text."""

import re
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from shopstream.contracts import local_days
from shopstream.contracts.local_days import DAY
from shopstream.contracts.local_days import local_date as today

__all__ = [
    "DAY",
    "date_texts",
    "dates",
    "first_instant",
    "hour_texts",
    "hours",
    "local_text",
    "marks",
    "read_date",
    "today",
]

HOUR = timedelta(hours=1)
EARLIEST = date(1999, 12, 31)
LATEST = date(2101, 1, 1)
"""The local dates that an instant of the years 2000 to 2100 (UTC) can have."""
DAYS_KEPT, HOURS_KEPT = 32_768, 1_024
"""Days whose first instant is remembered, some 300 bytes each: two years of 44 zones. Days whose hours are."""

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


def read_date(text: str) -> date:
    """A date of RFC 3339, section 5.6.

    Raises:
        ValueError: with the rule, to stand behind the name of the parameter.
    """
    if not _DATE.fullmatch(text):
        raise ValueError("must be a date as YYYY-MM-DD")
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise ValueError("must be a date that exists, as YYYY-MM-DD") from None
    if not EARLIEST <= day <= LATEST:
        raise ValueError(f"must be from {EARLIEST} to {LATEST}")
    return day


def dates(first: date, last: date) -> list[date]:
    """Every date from `first` to `last`, both included."""
    return [date.fromordinal(number) for number in range(first.toordinal(), last.toordinal() + 1)]


def date_texts(first: date, last: date) -> list[str]:
    """Of the same dates."""
    return [day.isoformat() for day in dates(first, last)]


@lru_cache(DAYS_KEPT)
def first_instant(day: date, zone: ZoneInfo) -> datetime:
    """As `local_days.first_instant`: many questions ask for the same days."""
    return local_days.first_instant(day, zone)


def marks(begins: Sequence[date], last: date, zone: ZoneInfo) -> list[datetime]:
    """The first instants (UTC) of some dates, and the end of the date `last`."""
    return [first_instant(day, zone) for day in (*begins, last + DAY)]


@lru_cache(HOURS_KEPT)
def hours(day: date, zone: ZoneInfo) -> tuple[datetime, ...]:
    """The instants (UTC) at which the hours of a local day begin, counted from its first, and its end.

    24 hours; 23 or 25 at a DST change; the last one shorter where the zone shifts by half an hour; none
    where the zone skips the day.
    """
    start, end = first_instant(day, zone), first_instant(day + DAY, zone)
    found = [start]
    while found[-1] < end:
        found.append(min(found[-1] + HOUR, end))
    return tuple(found)


@lru_cache(HOURS_KEPT)
def hour_texts(day: date, zone: ZoneInfo) -> tuple[str, ...]:
    """The local times at which its hours begin."""
    return tuple(local_text(mark, zone) for mark in hours(day, zone)[:-1])


def local_text(instant: datetime, zone: ZoneInfo) -> str:
    """RFC 3339 with the zone's offset at that instant."""
    return instant.astimezone(zone).isoformat(timespec="seconds")
