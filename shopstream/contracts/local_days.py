"""Local days of a time zone: which one an instant is in, and where one begins."""

from bisect import bisect_left
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

DAY = timedelta(days=1)


def local_date(instant: datetime, zone: ZoneInfo) -> date:
    return instant.astimezone(zone).date()


def first_instant(day: date, zone: ZoneInfo) -> datetime:
    """The first instant (UTC) whose local date is `day`, or a later one where the zone skips the day."""
    midnight = datetime(day.year, day.month, day.day, tzinfo=zone)
    early, late = (midnight.replace(fold=fold).astimezone(UTC) for fold in (1, 0))
    if late <= early:
        return late
    # clocks jump over midnight between the two
    seconds = range(int(early.timestamp()), int(late.timestamp()) + 1)
    jump = bisect_left(seconds, True, key=lambda at: datetime.fromtimestamp(at, zone).date() >= day)
    return datetime.fromtimestamp(seconds[jump], UTC)
