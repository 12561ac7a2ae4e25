"""Periods of shops, each read once and kept until a word of the pipeline names one of its days."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable, Sequence, Set
from dataclasses import dataclass, field
from typing import Generic, NamedTuple, Protocol, TypeVar, cast

from api.freshness.standing import Known
from api.reports.kept import PART_SECONDS, UNHEARD_SECONDS

BYTES = 64 * 1024 * 1024
"""What is kept; beyond it the shop that was asked for least recently goes."""
BYTES_OF_SHOP = BYTES // 2
"""Of one shop; beyond it the part that was asked for least recently goes."""
SHOP_BYTES, PART_BYTES = 700, 700
"""Of each shop, and of each part beside its value."""
DAY_SECONDS = 86400

T = TypeVar("T")


class Part(NamedTuple):
    """Of a window, from `start` to before `end` (Unix seconds)."""

    window: str
    start: int
    end: int

    def has(self, day: int) -> bool:
        """Any instant of a day (UTC, counted from 1970-01-01)."""
        return self.start < (day + 1) * DAY_SECONDS and day * DAY_SECONDS < self.end


class Shared(Hashable, Protocol):
    """What values of a shop have in common."""

    def size(self) -> int:
        """Bytes in memory, roughly."""


class Sized(NamedTuple, Generic[T]):
    """What was read; `size` in bytes, roughly, without what it shares with others."""

    value: T
    size: int
    shared: Shared | None = None


Fetch = Callable[[str, Sequence[Part]], Awaitable[Sequence[Sized[T]]]]
"""Reads parts of a shop; one value for each, in the same order."""


@dataclass(eq=False, slots=True)
class _Entry(Generic[T]):
    """`version` as of `Standing`: that from before it was read, or a later one up to which none of its days
    were touched. While `reading` is not None it has no value yet."""

    version: int
    begun: float
    reading: asyncio.Task[None] | None = None
    value: T | None = None
    size: int = 0
    shared: Shared | None = None


@dataclass(eq=False, slots=True)
class _Shop(Generic[T]):
    """Its parts, the one that was asked for least recently first."""

    name: str
    entries: OrderedDict[Part, _Entry[T]] = field(default_factory=OrderedDict)
    size: int = SHOP_BYTES
    shared: int = 0


class PartCache(Generic[T]):
    """Each value includes all that the pipeline's words had said when it was asked for. Requests for the same part
    share one reading; a client that leaves does not cancel it. Nothing is kept while the words cannot be read.

    `clock` gives monotonic seconds.
    """

    def __init__(
        self, fetch: Fetch[T], book: Known, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._fetch = fetch
        self._book = book
        self._clock = clock
        self._shops: OrderedDict[str, _Shop[T]] = OrderedDict()
        self._bytes = 0

    def keeps(self, shop: str) -> bool:
        """Whether what is read of the shop now can be kept for longer than `UNHEARD_SECONDS`."""
        standing = self._book.standing(shop)
        return standing.version is not None and standing.heard

    def stale(self, shop: str, parts: Sequence[Part]) -> list[Part]:
        """Those that `get` would read."""
        version = self._book.standing(shop).version
        there = self._shops.get(shop)
        return (
            list(parts) if version is None or there is None else self._stale(there, parts, version)
        )

    async def get(self, shop: str, parts: Sequence[Part]) -> list[T]:
        """The value of each, as new as what is known now.

        Raises:
            EngineUnavailable, EngineError: as the engine; and whatever else `fetch` raises.
        """
        if not parts:
            return []
        version = self._book.standing(shop).version
        if version is None:
            return [one.value for one in await self._fetch(shop, parts)]
        there = self._shop(shop)
        if stale := self._stale(there, parts, version):
            self._begin(there, stale, version)
        entries = []
        for part in parts:
            there.entries.move_to_end(part)
            entries.append(there.entries[part])
        for reading in {entry.reading for entry in entries if entry.reading is not None}:
            await asyncio.shield(reading)
        return [cast(T, entry.value) for entry in entries]

    def _shop(self, name: str) -> _Shop[T]:
        shop = self._shops.get(name)
        if shop is None:
            shop = self._shops[name] = _Shop(name)
            self._bytes += shop.size
        self._shops.move_to_end(name)
        return shop

    def _stale(self, shop: _Shop[T], parts: Sequence[Part], version: int) -> list[Part]:
        """Those that must be read; the others are as new as `version`."""
        longest = PART_SECONDS if self._book.standing(shop.name).heard else UNHEARD_SECONDS
        since = self._clock() - longest
        touched: dict[int, Set[int] | None] = {version: frozenset()}
        stale = []
        for part in parts:
            entry = shop.entries.get(part)
            if entry is None or entry.begun <= since:
                stale.append(part)
                continue
            if entry.version not in touched:
                touched[entry.version] = self._book.touched(shop.name, entry.version)
            days = touched[entry.version]
            if days is None or any(part.has(day) for day in days):
                stale.append(part)
            else:
                entry.version = version
        return stale

    def _begin(self, shop: _Shop[T], stale: Sequence[Part], version: int) -> None:
        begun = self._clock()
        entries = [_Entry[T](version, begun) for _ in stale]
        reading = asyncio.ensure_future(self._read(shop, stale, entries))
        # retrieved, though nobody may wait for it any more
        reading.add_done_callback(lambda task: task.cancelled() or task.exception())
        for part, entry in zip(stale, entries, strict=True):
            self._drop(shop, part)
            entry.reading = reading
            shop.entries[part] = entry

    async def _read(
        self, shop: _Shop[T], stale: Sequence[Part], entries: Sequence[_Entry[T]]
    ) -> None:
        try:
            found = await self._fetch(shop.name, stale)
        except BaseException:
            for part, entry in zip(stale, entries, strict=True):
                if shop.entries.get(part) is entry:
                    self._drop(shop, part)
            raise
        for part, entry, one in zip(stale, entries, found, strict=True):
            entry.reading, entry.value = None, one.value
            if shop.entries.get(part) is entry:
                entry.size, entry.shared = PART_BYTES + one.size, one.shared
                self._weigh(shop, entry.size)
        self._weigh_shared(shop)
        while shop.entries and shop.size > BYTES_OF_SHOP:
            self._drop(shop, next(iter(shop.entries)))
            self._weigh_shared(shop)
        while self._bytes > BYTES:
            _, gone = self._shops.popitem(last=False)
            self._bytes -= gone.size

    def _drop(self, shop: _Shop[T], part: Part) -> None:
        entry = shop.entries.pop(part, None)
        if entry is not None:
            self._weigh(shop, -entry.size)

    def _weigh_shared(self, shop: _Shop[T]) -> None:
        shared = {entry.shared for entry in shop.entries.values() if entry.shared is not None}
        size = sum(one.size() for one in shared)
        self._weigh(shop, size - shop.shared)
        shop.shared = size

    def _weigh(self, shop: _Shop[T], size: int) -> None:
        shop.size += size
        if self._shops.get(shop.name) is shop:
            self._bytes += size
