"""Local days of a time zone, and a period of them as UTC months, days and 15-minute buckets. Pure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
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

SHORT = timedelta(days=2)
"""A shorter period is read in 15-minute buckets alone: a second window costs more than their rows."""
MONTH_COST = 5
"""What reading a month costs, in days: it holds about as many products as some of them."""
NOON = timedelta(hours=12)
MONTHS, DAYS, BUCKETS_15M = "months", "days", "buckets_15m"
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


class Run(NamedTuple):
    """Of one window, from `start` to before `end` (UTC); `sign` -1 where it is taken away."""

    window: str
    start: datetime
    end: datetime
    sign: int = 1


def signed_runs(start: datetime, end: datetime, *, months: bool = True) -> list[Run]:
    """Runs that add up to the instants from `start` to before `end` (UTC, whole 15-minute buckets).

    Args:
        months: whether whole months may be read, or days alone.
    """
    first, last = _nearest_day(start), _nearest_day(end)
    if (first, last) != (start, end) and end - start < SHORT:
        return _whole(BUCKETS_15M, start, end)
    middle = _days(first, last) if months else _whole(DAYS, first, last)
    return [*_edge(BUCKETS_15M, start, first), *middle, *_edge(BUCKETS_15M, last, end)]


def split_period(start: datetime, end: datetime) -> list[Run]:
    """A period (UTC) of whole 15-minute buckets as whole months, whole days and, at its ends, such buckets; in order.

    Nothing is taken away, and each month and each day is a run of its own: what is read of one at another instant
    than of the rest never shows outside of the period.
    """
    first, last = _midnight_from(start), _midnight(end.date())
    if first > last or start >= end:
        return _whole(BUCKETS_15M, start, end)
    found = _whole(BUCKETS_15M, start, first)
    while first < last:
        _, month = month_around(first)
        window, following = (
            (MONTHS, month) if first.day == 1 and month <= last else (DAYS, first + DAY)
        )
        found.append(Run(window, first, following))
        first = following
    return found + _whole(BUCKETS_15M, last, end)


def _days(first: datetime, last: datetime) -> list[Run]:
    head, tail = _month_at_start(first), _month_at_end(last)
    if head >= tail:
        return _whole(DAYS, first, last)
    return [*_edge(DAYS, first, head), Run(MONTHS, head, tail), *_edge(DAYS, tail, last)]


def _whole(window: str, start: datetime, end: datetime) -> list[Run]:
    return [Run(window, start, end)] if start < end else []


def _edge(window: str, one: datetime, other: datetime) -> list[Run]:
    """From `one` to `other`, taken away where `other` comes first."""
    if one == other:
        return []
    return [Run(window, one, other) if one < other else Run(window, other, one, -1)]


def _nearest_day(instant: datetime) -> datetime:
    return _midnight((instant + NOON).astimezone(UTC).date())


def _midnight_from(instant: datetime) -> datetime:
    """The first midnight that is not before it."""
    midnight = _midnight(instant.date())
    return midnight if midnight == instant else midnight + DAY


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _month_at_start(day: datetime) -> datetime:
    """The month that `day` is in, less the days before it, or the next one and the days up to it."""
    begin, following = month_around(day)
    through = (day - begin).days + (MONTH_COST if day > begin else 0)
    return begin if through < (following - day).days else following


def _month_at_end(day: datetime) -> datetime:
    """The end of the month before `day` and the days up to it, or of its own, less the days after it."""
    begin, following = month_around(day)
    return following if (following - day).days + MONTH_COST < (day - begin).days else begin


def month_around(instant: datetime) -> tuple[datetime, datetime]:
    """The first instants (UTC) of the month that it is in, and of the next."""
    begin = _midnight(instant.date().replace(day=1))
    return begin, (begin + 32 * DAY).replace(day=1)
