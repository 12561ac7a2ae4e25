"""All that a shop has of something small, read at once."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from time import monotonic
from typing import Generic, TypeVar

from shopstream.api.reports.kept import Kept, Made
from shopstream.api.reports.lately import Lately
from shopstream.api.reports.parts import Weighed
from shopstream.api.standing import Standing

BIG_SECONDS = 60.0
"""How long a shop counts as big before it is tried again."""
_NEVER = datetime.max.replace(tzinfo=UTC)
_QUESTION = "whole"

T = TypeVar("T")


class Whole(Generic[T]):
    """Kept until anything more of the shop is in the reports. `read` gives None where a shop has too much."""

    def __init__(
        self,
        read: Callable[[str], Awaitable[Weighed[T] | None]],
        standing: Callable[[str], Standing],
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._ask = read
        self._standing = standing
        self._clock = clock
        self._kept: Kept[T | None] = Kept(self._words, lambda: datetime.now(UTC))
        self._big: Lately[str, float] = Lately()

    async def of(self, shop: str) -> T | None:
        """None: it is too much, or what is read could not be kept.

        Raises:
            EngineUnavailable, EngineError: as the engine.
        """
        if self._standing(shop).version is None or (self._big.get(shop) or 0) > self._clock():
            return None
        return (await self._kept.get(shop, _QUESTION, lambda: self._read(shop), exact=True)).value

    async def _read(self, shop: str) -> Made[T | None]:
        found = await self._ask(shop)
        if found is None:
            self._big.put(shop, self._clock() + BIG_SECONDS)
            return Made(None, _NEVER, 0)
        return Made(found.value, _NEVER, found.size)

    def _words(self, shop: str) -> Standing:
        """A notice says no more than the word before it."""
        return self._standing(shop)._replace(changes=0)
