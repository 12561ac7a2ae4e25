"""Local days of a time zone: their first instants, their hours, dates as text."""

import re
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from shopstream.contracts.local_days import DAY, first_instant
from shopstream.contracts.local_days import local_date as today

__all__ = ["DAY", "dates", "first_instant", "hours", "local_text", "marks", "read_date", "today"]

HOUR = timedelta(hours=1)
EARLIEST = date(1999, 12, 31)
LATEST = date(2101, 1, 1)
"""The local dates that an instant of the years 2000 to 2100 (UTC) can have."""

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
    return [first + DAY * number for number in range((last - first).days + 1)]


def marks(begins: Sequence[date], last: date, zone: ZoneInfo) -> list[datetime]:
    """The first instants (UTC) of some dates, and the end of the date `last`."""
    return [first_instant(day, zone) for day in (*begins, last + DAY)]


def hours(day: date, zone: ZoneInfo) -> list[datetime]:
    """The instants (UTC) at which the hours of a local day begin, counted from its first, and its end.

    24 hours; 23 or 25 at a DST change; the last one shorter where the zone shifts by half an hour; none
    where the zone skips the day.
    """
    start, end = first_instant(day, zone), first_instant(day + DAY, zone)
    found = [start]
    while found[-1] < end:
        found.append(min(found[-1] + HOUR, end))
    return found


def local_text(instant: datetime, zone: ZoneInfo) -> str:
    """RFC 3339 with the zone's offset at that instant."""
    return instant.astimezone(zone).isoformat(timespec="seconds")
