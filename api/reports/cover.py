"""A period as UTC months, days and quarters of an hour that add up to it: few rows, whatever the time zone."""

from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

from api.reports.days import DAY

SHORT = timedelta(days=2)
"""A shorter period is read in quarters alone: a second window costs more than their rows."""
MONTH_COST = 5
"""What reading a month costs, in days: it holds about as many products as some of them."""
NOON = timedelta(hours=12)
MONTHS, DAYS, QUARTERS = "months", "days", "quarters"


class Run(NamedTuple):
    """Of one window, from `start` to before `end` (UTC); `sign` -1 where it is taken away."""

    window: str
    start: datetime
    end: datetime
    sign: int = 1


def cover(start: datetime, end: datetime, *, months: bool = True) -> list[Run]:
    """Runs that add up to the instants from `start` to before `end` (UTC, whole quarters of an hour).

    Args:
        months: whether whole months may be read, or days alone.
    """
    first, last = _nearest_day(start), _nearest_day(end)
    if (first, last) != (start, end) and end - start < SHORT:
        return _whole(QUARTERS, start, end)
    middle = _days(first, last) if months else _whole(DAYS, first, last)
    return [*_edge(QUARTERS, start, first), *middle, *_edge(QUARTERS, last, end)]


def pieces(start: datetime, end: datetime) -> list[Run]:
    """The period (UTC, whole quarters of an hour) as whole months, whole days and, at its ends, quarters; in order.

    Nothing is taken away, and each month and each day is a run of its own: what is read of one at another instant
    than of the rest never shows outside of the period.
    """
    first, last = _midnight_from(start), _midnight(end.date())
    if first > last or start >= end:
        return _whole(QUARTERS, start, end)
    found = _whole(QUARTERS, start, first)
    while first < last:
        _, month = month_around(first)
        window, following = (
            (MONTHS, month) if first.day == 1 and month <= last else (DAYS, first + DAY)
        )
        found.append(Run(window, first, following))
        first = following
    return found + _whole(QUARTERS, last, end)


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
