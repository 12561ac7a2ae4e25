"""What a shop's reports are made in: its currency and its time zone."""

from collections.abc import Iterable, Set
from typing import NamedTuple
from zoneinfo import ZoneInfo

from clickhouse.client import Row

UTC_ZONE = ZoneInfo("UTC")


class Profile(NamedTuple):
    """`currency` is None in an empty shop. `zone.key` is the name of the time zone. `threshold` as said.

    `day` is that of the earliest order (UTC, counted from 1970-01-01) where it decides the currency.
    """

    currency: str | None
    zone: ZoneInfo
    threshold: int | None = None
    day: int | None = None

    def stands(self, touched: Set[int] | None) -> bool:
        """Whether it is still the same after what the pipeline says it touched (`Known.touched`)."""
        if touched is None or self.currency is None:
            return False
        return self.day is None or all(day > self.day for day in touched)


NOBODY = Profile(None, UTC_ZONE)


def read_profile(rows: Iterable[Row]) -> Profile:
    """From the rows of `profile.sql`: what the shop says counts, then its earliest order."""
    found = {bool(row["said"]): row for row in rows if row["currency"]}
    if said := found.get(True):
        return Profile(said["currency"], ZoneInfo(said["timezone"]), said["threshold"])
    earliest = found.get(False)
    return Profile(earliest["currency"], UTC_ZONE, day=earliest["day"]) if earliest else NOBODY
