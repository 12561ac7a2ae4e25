"""What a shop's reports are made in, its currency and its time zone, cached until something of them may change."""

from collections.abc import Awaitable, Callable, Iterable
from typing import NamedTuple
from zoneinfo import ZoneInfo

from api.freshness.source import FreshnessSource
from api.reports.cache import Sized, VersionedCache
from clickhouse.client import Row
from shopstream.contracts.notices import FIRST_ORDER
from shopstream.contracts.zones import UTC, zone_of

BYTES = 8 * 1024 * 1024
"""Of all profiles in memory."""
UTC_ZONE = zone_of(UTC)


class Profile(NamedTuple):
    """`currency` is None in an empty shop. `zone.key` is the name of the time zone. `threshold` is the shop's own."""

    currency: str | None
    zone: ZoneInfo
    threshold: int | None = None


NOBODY = Profile(None, UTC_ZONE)


def read_profile(rows: Iterable[Row]) -> Profile:
    """From the rows of `profile.sql`: the shop's settings decide, else its earliest order."""
    found = {bool(row["said"]): row for row in rows if row["currency"]}
    if settings := found.get(True):
        return Profile(settings["currency"], zone_of(settings["timezone"]), settings["threshold"])
    earliest = found.get(False)
    return Profile(earliest["currency"], UTC_ZONE) if earliest else NOBODY


class Profiles(VersionedCache[None, Profile]):
    """A profile is exact. `ask` gives the rows of `profile.sql` of a shop."""

    def __init__(self, ask: Callable[[str], Awaitable[list[Row]]], known: FreshnessSource) -> None:
        super().__init__(known, FIRST_ORDER, limit=BYTES)
        self._ask = ask

    async def of(self, shop: str) -> Profile:
        """The profile of a shop.

        Raises:
            EngineUnavailable, EngineError: as the engine.
        """

        async def fetch(*_: object) -> list[Sized[Profile]]:
            return [Sized(read_profile(await self._ask(shop)), 0)]

        return (await self.get(shop, [None], fetch))[0]
