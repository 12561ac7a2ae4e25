"""Profiles of shops, kept until the pipeline says that something they are made of may be another."""

from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from api.freshness.standing import Known, Standing
from api.reports.kept import NEVER, Kept, Made
from api.reports.lately import Lately
from api.reports.profile import Profile, read_profile
from clickhouse.client import Row

_QUESTION = "profile"


class Ask(Protocol):
    """Where rows come from."""

    async def profile(self, shop: str, /) -> list[Row]: ...


class Profiles:
    """A profile is exact: a body may be newer than what was known when it was read, and claims no more."""

    def __init__(self, ask: Ask, book: Known, now: Callable[[], datetime]) -> None:
        self._ask = ask
        self._book = book
        self._kept: Kept[Profile] = Kept(self._standing, now)
        self._read: Lately[str, tuple[int, Profile]] = Lately()

    async def of(self, shop: str) -> Profile:
        """The shop's.

        Raises:
            EngineUnavailable, EngineError: as the engine.
        """

        async def ask() -> Made[Profile]:
            return Made(read_profile(await self._ask.profile(shop)), NEVER, 0)

        version = self._standing(shop).version
        profile = (await self._kept.get(shop, _QUESTION, ask, exact=True)).value
        if version is not None:
            self._read.put(shop, (version, profile))
        return profile

    def forget(self, shop: str) -> None:
        """The next one asks again."""
        self._kept.forget(shop, _QUESTION)

    def _standing(self, shop: str) -> Standing:
        """Its version is another one only where the profile may be. Words tell more than notices here."""
        standing = self._book.standing(shop)._replace(changes=0)
        known = self._read.get(shop)
        if standing.version is None or known is None:
            return standing
        version, profile = known
        same = profile.stands(self._book.touched(shop, version))
        return standing._replace(version=version) if same else standing
