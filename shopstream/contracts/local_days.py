"""Local days of a time zone: which one an instant is in, and where one begins."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

DAY = timedelta(days=1)


def local_date(instant: datetime, zone: ZoneInfo) -> date:
    """The local date of an instant."""
    return instant.astimezone(zone).date()


def first_instant(day: date, zone: ZoneInfo) -> datetime:
    """The first instant (UTC) whose local date is `day`, or a later one where the zone skips the day."""
    midnight = datetime(day.year, day.month, day.day, tzinfo=zone)
    early, late = (midnight.replace(fold=fold).astimezone(UTC) for fold in (1, 0))
    return _end_of_gap(early, late, day, zone) if early < late else late


def _end_of_gap(before: datetime, after: datetime, day: date, zone: ZoneInfo) -> datetime:
    """Clocks jump over midnight between these two instants; `after` is on the other side."""
    while after - before > timedelta(seconds=1):
        middle = before + (after - before) // 2
        if middle.astimezone(zone).date() >= day:
            after = middle
        else:
            before = middle
    return after.replace(microsecond=0)
