"""All that a shop has of something small, read at once."""

import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Generic, TypeVar

from api.freshness.standing import Standing
from api.reports.kept import NEVER, Kept, Made
from api.reports.lately import Lately
from api.reports.parts import Sized

BIG_SECONDS = 60.0
"""How long a shop counts as too big before it is tried again."""
_QUESTION = "all"

T = TypeVar("T")


class ShopCache(Generic[T]):
    """A value is kept until anything more of its shop is in the reports. `fetch` gives None where a shop has too
    much; `clock` monotonic seconds."""

    def __init__(
        self,
        fetch: Callable[[str], Awaitable[Sized[T] | None]],
        standing: Callable[[str], Standing],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._fetch = fetch
        self._standing = standing
        self._clock = clock
        self._kept: Kept[T | None] = Kept(self._words, lambda: datetime.now(UTC))
        self._big: Lately[str, float] = Lately()

    async def of(self, shop: str) -> T | None:
        """None where it is too much, or while nothing can be kept: ask for what is needed.

        Raises:
            EngineUnavailable, EngineError: as the engine.
        """
        if self._standing(shop).version is None or (self._big.get(shop) or 0) > self._clock():
            return None
        return (await self._kept.get(shop, _QUESTION, lambda: self._make(shop), exact=True)).value

    async def _make(self, shop: str) -> Made[T | None]:
        found = await self._fetch(shop)
        if found is None:
            self._big.put(shop, self._clock() + BIG_SECONDS)
            return Made(None, NEVER, 0)
        return Made(found.value, NEVER, found.size)

    def _words(self, shop: str) -> Standing:
        """A notice says no more than the word before it."""
        return self._standing(shop)._replace(changes=0)
