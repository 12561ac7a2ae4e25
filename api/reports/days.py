"""Local days of a time zone, and a period of them as UTC months, days and 15-minute buckets. Pure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple
from zoneinfo import ZoneInfo

from shopstream.contracts import local_days

DAY, today = local_days.DAY, local_days.local_date
HOUR = timedelta(hours=1)
EARLIEST = date(1999, 12, 31)
LATEST = date(2101, 1, 1)
"""The local dates that an instant of the years 2000 to 2100 (UTC) can have."""
DAYS_KEPT, HOURS_KEPT = 32_768, 1_024
"""Days whose first instant is cached, some 300 bytes each: two years of 44 zones. Days whose hours are."""

DEFAULT_DAYS, MOST_DAYS = 30, 366

DAY_SECONDS = 86400
PRODUCT_15M, PRODUCT_DAY, PRODUCT_MONTH = "product_15m", "product_day", "product_month"
WINDOWS = (PRODUCT_15M, PRODUCT_DAY, PRODUCT_MONTH, PRODUCT_DAY, PRODUCT_15M)
"""Grains of `order_windows` in the order in which a period is read in them."""
PARTS_15M = "parts_15m"
BY_DAY = (PRODUCT_15M, PARTS_15M)
"""Grains of which a range is read as sums, by day."""
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
    """The same dates as YYYY-MM-DD."""
    return [day.isoformat() for day in dates(first, last)]


@lru_cache(DAYS_KEPT)
def first_instant(day: date, zone: ZoneInfo) -> datetime:
    """As `local_days.first_instant`: many questions ask for the same days."""
    return local_days.first_instant(day, zone)


def boundaries(begins: Sequence[date], last: date, zone: ZoneInfo) -> list[datetime]:
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
    """The local times at which its hours begin, as `local_text`."""
    return tuple(local_text(instant, zone) for instant in hours(day, zone)[:-1])


def local_text(instant: datetime, zone: ZoneInfo) -> str:
    """RFC 3339 with the zone's offset at that instant."""
    return instant.astimezone(zone).isoformat(timespec="seconds")


@dataclass(frozen=True, slots=True)
class Span:
    """Some days up to today, or from `first` to `last`, where those are given."""

    days: int = DEFAULT_DAYS
    first: date | None = None
    last: date | None = None

    def dates(self, today: date) -> tuple[date, date]:
        """The first and the last local date."""
        if self.first is not None and self.last is not None:
            return self.first, self.last
        return today - DAY * (self.days - 1), today


LAST_DAYS = Span()


class Bucket(NamedTuple):
    """A stretch of a window's rows, from `start` to before `end` (Unix seconds)."""

    window: str
    start: int
    end: int

    @property
    def first(self) -> int:
        """The `start` of its first row: windows that are read by day (`BY_DAY`) have that of the day (UTC)."""
        return self.start - self.start % DAY_SECONDS if self.window in BY_DAY else self.start

    def overlaps(self, day: int) -> bool:
        """Whether it has any instant of a day (UTC, counted from 1970-01-01)."""
        return self.start < (day + 1) * DAY_SECONDS and day * DAY_SECONDS < self.end


def window_boundaries(start: datetime, end: datetime) -> tuple[datetime, ...]:
    """Six instants, of which any may be equal: between each and the next a period (UTC, of whole 15-minute buckets)
    is read in a window of `WINDOWS`, in whole months and days where it has any."""
    first, last = _midnight_from(start), _midnight(end.date())
    if first > last or start >= end:
        return start, *(end,) * 5
    head, tail = month_around(first - DAY)[1], month_around(last)[0]
    return (
        (start, first, head, tail, last, end)
        if head < tail
        else (start, first, last, last, last, end)
    )


def split_period(start: datetime, end: datetime) -> list[Bucket]:
    """A period (UTC) of whole 15-minute buckets as whole months, whole days and, at its ends, such buckets; in order.

    Each month and each day is a bucket of its own: what is read of one at another instant than of the rest never shows
    outside of the period.
    """
    found = []
    for window, (begin, stop) in zip(WINDOWS, pairwise(window_boundaries(start, end)), strict=True):
        while begin < stop:
            following = {PRODUCT_DAY: begin + DAY, PRODUCT_MONTH: month_around(begin)[1]}.get(
                window, stop
            )
            found.append(Bucket(window, int(begin.timestamp()), int(following.timestamp())))
            begin = following
    return found


def _midnight_from(instant: datetime) -> datetime:
    """The first midnight that is not before it."""
    midnight = _midnight(instant.date())
    return midnight if midnight == instant else midnight + DAY


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def month_around(instant: datetime) -> tuple[datetime, datetime]:
    """The first instants (UTC) of the month that it is in, and of the next."""
    begin = _midnight(instant.date().replace(day=1))
    return begin, (begin + 32 * DAY).replace(day=1)
