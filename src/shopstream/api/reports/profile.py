"""What a shop's reports are made in: its currency and its time zone."""

from typing import NamedTuple
from zoneinfo import ZoneInfo

UTC_ZONE = ZoneInfo("UTC")


class Profile(NamedTuple):
    """`currency` is None in a shop without orders. `zone.key` is the name of the time zone."""

    currency: str | None
    zone: ZoneInfo
