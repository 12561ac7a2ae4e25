"""How much may be under way at once: beyond it a request is refused at once rather than added to a pile."""

import time
from collections import Counter
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from itertools import count

from api.faults import Busy

SLOW_SECONDS = 4.0
"""Once something has waited this long, whatever it waits for is slow."""
ALWAYS = 16
"""As many may be under way also then, so that it is noticed when it is fast again."""


class ConcurrencyLimit:
    """Use as `with limit.slot(): …`. `patient`: waiting for long is no sign that anything is slow."""

    def __init__(
        self, limit: int, *, patient: bool = False, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._limit = limit
        self._patient = patient
        self._clock = clock
        self._numbers = count()
        # in order of arrival, so the first has waited longest
        self._inside: dict[int, float] = {}

    def __len__(self) -> int:
        return len(self._inside)

    @contextmanager
    def slot(self) -> Iterator[None]:
        """Takes a slot until the block ends.

        Raises:
            Busy: there is none.
        """
        if self._full():
            raise Busy("Too many requests wait for the database; this one can be sent again.")
        number = next(self._numbers)
        self._inside[number] = self._clock()
        try:
            yield
        finally:
            del self._inside[number]

    def _full(self) -> bool:
        if len(self._inside) >= self._limit:
            return True
        return not self._patient and len(self._inside) >= ALWAYS and self._slow()

    def _slow(self) -> bool:
        return self._clock() - next(iter(self._inside.values())) > SLOW_SECONDS


class Taken(Counter[Hashable]):
    """How much each has of something; who has nothing is not kept."""

    def give_back(self, key: Hashable, count: int = 1) -> None:
        self[key] -= count
        if not self[key]:
            del self[key]


class Shares:
    """How many slots one shop may have, so that the others keep theirs. Use as `with shares.slot(shop): …`.

    `what`: what the requests do that have the slots, in the sentence of a refusal.
    """

    def __init__(self, limit: int, what: str = "wait for includes") -> None:
        self._limit = limit
        self._what = what
        self._taken = Taken()

    def __len__(self) -> int:
        return self._taken.total()

    @contextmanager
    def slot(self, shop: str) -> Iterator[None]:
        """Takes a slot of the shop until the block ends.

        Raises:
            Busy: the shop has as many as it may.
        """
        if self._taken[shop] >= self._limit:
            raise Busy(f"Too many requests of this shop {self._what}; this one can be sent again.")
        self._taken[shop] += 1
        try:
            yield
        finally:
            self._taken.give_back(shop)
