"""What a shop's reports are made in: its currency and its time zone."""

from collections import OrderedDict
from typing import NamedTuple, Protocol
from zoneinfo import ZoneInfo

from shopstream.clickhouse.client import Row

UTC_ZONE = ZoneInfo("UTC")
REMEMBERED = 10_000
"""Shops whose last known profile is kept; beyond it the one that was asked for least recently goes."""


class Profile(NamedTuple):
    """`currency` is None in a shop without orders. `zone.key` is the name of the time zone."""

    currency: str | None
    zone: ZoneInfo


UNKNOWN = Profile(None, UTC_ZONE)


class Rows(Protocol):
    """Where rows come from."""

    async def __call__(self, name: str, params: dict[str, object]) -> list[Row]: ...


def profile_of(rows: list[Row]) -> Profile:
    """The profile in the rows of `shop_profile.sql`."""
    return Profile(rows[0]["currency"], UTC_ZONE) if rows else UNKNOWN


class Profiles:
    """The last known profile of each shop: a guess that lets a report ask for everything at once.

    It is never an answer: a report reads the profile too, and starts again where it guessed wrong.
    """

    def __init__(self) -> None:
        self._known: OrderedDict[str, Profile] = OrderedDict()

    def guess(self, shop: str) -> Profile:
        """What the shop had when it was last read."""
        return self._known.get(shop, UNKNOWN)

    def learn(self, shop: str, profile: Profile) -> None:
        """Keeps what was read."""
        self._known[shop] = profile
        self._known.move_to_end(shop)
        if len(self._known) > REMEMBERED:
            self._known.popitem(last=False)


async def read_profile(rows: Rows, shop: str) -> Profile:
    """The profile as it is stored now."""
    return profile_of(await rows("shop_profile", {"shop": shop}))
