"""Answers that are made once and given again while they hold: many dashboards ask the same at one moment."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Coroutine, Hashable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Generic, NamedTuple, TypeVar

from api.freshness.standing import Standing

LONGEST_SECONDS = 30.0
"""How long an answer is kept while notices come: for changes that none tells of, such as rows altered in the engine."""
PART_SECONDS = 300.0
"""The same of a part (`parts.py`): longer, since reading it anew costs more."""
UNHEARD_SECONDS = 1.0
"""How long either is kept while no notices come."""
NEVER = datetime.max.replace(tzinfo=UTC)
LAG = timedelta(seconds=0.5)
"""How far `asOf` of an answer may lie behind that of a new one: what pours in makes no answer of a shop anew more
often."""
ENTRIES, BYTES = 5000, 64 * 1024 * 1024
"""What is kept; beyond it the answer that was asked for least recently goes."""


T = TypeVar("T")


class Made(NamedTuple, Generic[T]):
    """An answer without its `asOf`; it holds no longer than `until`, when the shop's next day begins.

    `size` in bytes, roughly.
    """

    value: T
    until: datetime
    size: int


class Given(NamedTuple, Generic[T]):
    """An answer, and the instant up to which it surely has everything."""

    value: T
    as_of: datetime | None


Make = Callable[[], Coroutine[Any, Any, Made[T]]]
Key = tuple[str, Hashable]
"""A shop and a question."""


@dataclass(eq=False, slots=True)
class _Entry(Generic[T]):
    """`standing` was true before the answer began to be made; its `as_of` may grow while nothing changes."""

    standing: Standing
    begun: float
    making: asyncio.Task[Made[T]]
    size: int = 0


class Kept(Generic[T]):
    """An answer holds until a notice of its shop, a gap in the notices, the end of its day, or its age.

    A notice follows what it tells of by a second or so. An answer given meanwhile may be older than the
    tables, and its `as_of` says so: it is the one from before the answer was made, or a later one if
    nothing more of the shop was in the reports by then.
    """

    def __init__(self, standing: Callable[[str], Standing], now: Callable[[], datetime]) -> None:
        self._standing = standing
        self._now = now
        self._entries: OrderedDict[Key, _Entry[T]] = OrderedDict()
        self._bytes = 0

    async def get(
        self, shop: str, question: Hashable, make: Make[T], *, exact: bool = False
    ) -> Given[T]:
        """The answer; a client that leaves does not take it from the others.

        Args:
            exact: it has everything that is known to be in the reports now, noticed or not.
        """
        key, standing = (shop, question), self._standing(shop)
        if standing.version is None:
            return Given((await make()).value, standing.as_of)
        entry = self._entries.get(key)
        if entry is None or not self._holds(entry, standing, exact):
            entry = self._begin(key, standing, make)
        elif entry.standing.version == standing.version:
            entry.standing = standing
        self._entries.move_to_end(key)
        as_of = entry.standing.as_of
        return Given((await asyncio.shield(entry.making)).value, as_of)

    def forget(self, shop: str, question: Hashable) -> None:
        """The next one asks again."""
        self._drop((shop, question))

    def _holds(self, entry: _Entry[T], standing: Standing, exact: bool) -> bool:
        known = entry.standing
        if known.changes != standing.changes:
            return False
        same = known.version == standing.version
        if not same and (exact or _lags(known.as_of, standing.as_of)):
            return False
        longest = LONGEST_SECONDS if standing.heard else UNHEARD_SECONDS
        if asyncio.get_running_loop().time() >= entry.begun + longest:
            return False
        return not entry.making.done() or self._now() < entry.making.result().until

    def _begin(self, key: Key, standing: Standing, make: Make[T]) -> _Entry[T]:
        self._drop(key)
        making = asyncio.ensure_future(make())
        entry = _Entry(standing, asyncio.get_running_loop().time(), making)
        self._entries[key] = entry
        making.add_done_callback(lambda _: self._made(key, entry))
        while len(self._entries) > ENTRIES:
            self._drop(next(iter(self._entries)))
        return entry

    def _made(self, key: Key, entry: _Entry[T]) -> None:
        failed = entry.making.cancelled() or entry.making.exception() is not None
        if self._entries.get(key) is not entry:
            return
        if failed:
            self._drop(key)
            return
        entry.size = entry.making.result().size
        self._bytes += entry.size
        while self._bytes > BYTES:
            self._drop(next(iter(self._entries)))

    def _drop(self, key: Key) -> None:
        entry = self._entries.pop(key, None)
        if entry is not None:
            self._bytes -= entry.size


def _lags(known: datetime | None, now: datetime | None) -> bool:
    return known is None or (now is not None and now - known > LAG)
