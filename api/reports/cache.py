"""One bounded cache under responses, buckets, profiles, names and units on order.

A value holds until the pipeline reports a change of its kind, or until it is too old. It is read once, by whoever asks
first; a client that leaves does not cancel the reading. What is read carries the version from before the reading, so
what changes meanwhile is read again. While the pipeline's messages cannot be read nothing is cached.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable, Sequence, Set
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Generic, NamedTuple, TypeVar, cast

from api.freshness.source import Freshness, FreshnessSource
from api.lru import LruCache
from api.reports.days import Bucket
from shopstream.contracts.notices import Days

BYTES = 64 * 1024 * 1024
"""Of one cache; beyond it the shop that was requested least recently is dropped. Of one shop half of it; beyond it the
value that was requested least recently."""
SHOP_BYTES, ENTRY_BYTES = 700, 700
"""Of each shop, and of each entry beside its value."""
VALUE_SECONDS = 30.0
"""The longest age of a value while the pipeline is heard: bounds what it never reports, such as rows that someone
altered in ClickHouse."""
BUCKET_SECONDS = 300.0
"""The same of a bucket: longer, since reading it again costs more."""
UNHEARD_SECONDS = 1.0
"""The longest age of either while the pipeline is not heard."""
TOO_BIG_SECONDS = 60.0
"""How long a shop counts as too big before it is read whole again."""
LAG = timedelta(seconds=0.5)
"""How far `asOf` of a cached response may lie behind that of a new one: a steady flow of events makes no response
anew more often."""
NEVER = datetime.max.replace(tzinfo=UTC)

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")


class Sized(NamedTuple, Generic[T]):
    """What was read. `size` in bytes, roughly, without `shared`: the bytes that all values of the shop share.

    It holds no longer than `until` (UTC).
    """

    value: T
    size: int
    shared: int = 0
    until: datetime = NEVER


Fetch = Callable[[str, Sequence[K]], Awaitable[Sequence[Sized[T]]]]
"""Reads values of a shop: one for each key, in the same order."""


@dataclass(eq=False, slots=True)
class Entry(Generic[T]):
    """`freshness` is that from before the reading, or a later one up to which nothing of it changed. While `reading`
    is not None it has no value yet."""

    freshness: Freshness
    begun: float
    reading: asyncio.Task[None] | None = None
    value: T | None = None
    size: int = 0
    until: datetime = NEVER


@dataclass(eq=False, slots=True)
class _Shop(Generic[K, T]):
    """Its entries, the least recently requested first; `size` includes `shared`."""

    name: str
    entries: OrderedDict[K, Entry[T]] = field(default_factory=OrderedDict)
    size: int = SHOP_BYTES
    shared: int = 0


Holds = Callable[[K, Entry[T]], bool]
"""Whether an entry of another version still holds; sets its `freshness` where it is as good as a new one."""


class VersionedCache(Generic[K, T]):
    """Values by shop and key, each at most `seconds` old, together at most `limit` bytes. A change of their kind (of
    `contracts.notices`) invalidates them, on any day unless a subclass knows better; without a kind any change of the
    shop. `clock` gives monotonic seconds."""

    def __init__(
        self,
        known: FreshnessSource,
        kind: str | None,
        clock: Callable[[], float] = time.monotonic,
        *,
        seconds: float = VALUE_SECONDS,
        limit: int = BYTES,
    ) -> None:
        self._known = known
        self._kind = kind
        self._clock = clock
        self._seconds = seconds
        self._limit = limit
        self._shops: OrderedDict[str, _Shop[K, T]] = OrderedDict()
        self._bytes = 0

    async def get(self, shop: str, keys: Sequence[K], fetch: Fetch[K, T]) -> list[T]:
        """The value of each key, in their order, with every change that was known when this was called.

        Raises:
            EngineUnavailable, EngineError: as the engine; and whatever else `fetch` raises.
        """
        if not keys:
            return []
        freshness = self._known.freshness(shop)
        if freshness.version is None:
            return [one.value for one in await fetch(shop, keys)]
        found = self._lookup(shop, keys, fetch, freshness, self._holds(shop, freshness))
        return await _values(found)

    def keeps(self, shop: str) -> bool:
        """Whether what is read of the shop now can be cached for longer than `UNHEARD_SECONDS`."""
        freshness = self._known.freshness(shop)
        return freshness.version is not None and freshness.heard

    def stale(self, shop: str, keys: Sequence[K]) -> list[K]:
        """The keys that `get` would read."""
        freshness = self._known.freshness(shop)
        there = self._shops.get(shop)
        if freshness.version is None or there is None:
            return list(keys)
        return self._stale(there, keys, freshness, self._holds(shop, freshness))

    def forget(self, shop: str, key: K) -> None:
        """Drops a value: the next `get` reads it again."""
        if there := self._shops.get(shop):
            self._drop(there, key)

    def _holds(self, shop: str, freshness: Freshness) -> Holds[K, T]:
        """For entries of another version, asked once in a `get`."""
        changed: dict[int, Days] = {}

        def holds(key: K, entry: Entry[T]) -> bool:
            since = cast(int, entry.freshness.version)
            if since not in changed:
                changed[since] = (
                    self._known.changed_days(shop, self._kind, since) if self._kind else None
                )
            days = changed[since]
            if days is None or self._is_of(key, days):
                return False
            entry.freshness = freshness
            return True

        return holds

    def _is_of(self, key: K, days: Set[int]) -> bool:
        """Whether a value may be another after changes on these days."""
        return bool(days)

    def _lookup(
        self,
        name: str,
        keys: Sequence[K],
        fetch: Fetch[K, T],
        freshness: Freshness,
        holds: Holds[K, T],
    ) -> list[Entry[T]]:
        """The entries of the keys; what does not hold is being read."""
        shop = self._shop(name)
        if stale := self._stale(shop, keys, freshness, holds):
            self._begin(shop, stale, fetch, freshness)
        for key in keys:
            shop.entries.move_to_end(key)
        return [shop.entries[key] for key in keys]

    def _shop(self, name: str) -> _Shop[K, T]:
        shop = self._shops.get(name)
        if shop is None:
            shop = self._shops[name] = _Shop(name)
            self._bytes += shop.size
        self._shops.move_to_end(name)
        return shop

    def _stale(
        self, shop: _Shop[K, T], keys: Sequence[K], freshness: Freshness, holds: Holds[K, T]
    ) -> list[K]:
        oldest = self._clock() - (self._seconds if freshness.heard else UNHEARD_SECONDS)
        stale = []
        for key in keys:
            entry = shop.entries.get(key)
            if entry is None or entry.begun <= oldest:
                current = False
            else:
                current = entry.freshness.version == freshness.version or holds(key, entry)
            if not current:
                stale.append(key)
        return stale

    def _begin(
        self, shop: _Shop[K, T], keys: Sequence[K], fetch: Fetch[K, T], freshness: Freshness
    ) -> None:
        begun = self._clock()
        entries = [Entry[T](freshness, begun) for _ in keys]
        reading = asyncio.ensure_future(self._read(shop, keys, entries, fetch))
        # retrieved, though nobody may wait for it any more
        reading.add_done_callback(lambda task: task.cancelled() or task.exception())
        for key, entry in zip(keys, entries, strict=True):
            self._drop(shop, key)
            entry.reading = reading
            shop.entries[key] = entry

    async def _read(
        self,
        shop: _Shop[K, T],
        keys: Sequence[K],
        entries: Sequence[Entry[T]],
        fetch: Fetch[K, T],
    ) -> None:
        try:
            found = await fetch(shop.name, keys)
        except BaseException:
            for key, entry in zip(keys, entries, strict=True):
                if shop.entries.get(key) is entry:
                    self._drop(shop, key)
            raise
        for key, entry, one in zip(keys, entries, found, strict=True):
            entry.reading, entry.value, entry.until = None, one.value, one.until
            if shop.entries.get(key) is entry:
                entry.size = ENTRY_BYTES + one.size
                shared = max(one.shared, shop.shared)
                self._weigh(shop, entry.size + shared - shop.shared)
                shop.shared = shared
        self._evict(shop)

    def _evict(self, shop: _Shop[K, T]) -> None:
        while shop.entries and shop.size > self._limit // 2:
            self._drop(shop, next(iter(shop.entries)))
        while self._bytes > self._limit:
            _, gone = self._shops.popitem(last=False)
            self._bytes -= gone.size

    def _drop(self, shop: _Shop[K, T], key: K) -> None:
        if entry := shop.entries.pop(key, None):
            self._weigh(shop, -entry.size)
        if not shop.entries:
            self._weigh(shop, -shop.shared)
            shop.shared = 0

    def _weigh(self, shop: _Shop[K, T], size: int) -> None:
        shop.size += size
        if self._shops.get(shop.name) is shop:
            self._bytes += size


async def _values(entries: Sequence[Entry[T]]) -> list[T]:
    for reading in {entry.reading for entry in entries if entry.reading is not None}:
        await asyncio.shield(reading)
    return [cast(T, entry.value) for entry in entries]


class CachedResponse(NamedTuple, Generic[T]):
    """A response, and the instant (UTC) up to which it surely has everything; None while that is unknown."""

    value: T
    as_of: datetime | None


class ResponseCache(VersionedCache[Hashable, T]):
    """Responses by the question. One holds until a notice of its shop, a gap in the notices, its `until` or its age.

    A notice follows what it reports by a second or so. A response that is given meanwhile may be older than the
    tables, and its `as_of` says so: it is the one from before the reading, or a later one if nothing more of the shop
    was in the reports by then. `now` is the present instant (UTC).
    """

    def __init__(
        self,
        known: FreshnessSource,
        now: Callable[[], datetime],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(known, None, clock)
        self._now = now

    async def response(
        self,
        shop: str,
        question: Hashable,
        make: Callable[[], Awaitable[Sized[T]]],
        *,
        exact: bool = False,
    ) -> CachedResponse[T]:
        """The response to a question.

        Args:
            exact: it has everything that is known to be in the reports now, notified or not.
        """
        freshness = self._known.freshness(shop)
        if freshness.version is None:
            return CachedResponse((await make()).value, freshness.as_of)

        async def fetch(*_: object) -> list[Sized[T]]:
            return [await make()]

        def holds(_: Hashable, entry: Entry[T]) -> bool:
            return not exact and not _lags(entry.freshness.as_of, freshness.as_of)

        self._drop_invalidated(shop, question, freshness)
        (entry,) = self._lookup(shop, [question], fetch, freshness, holds)
        as_of = entry.freshness.as_of
        return CachedResponse((await _values([entry]))[0], as_of)

    def _drop_invalidated(self, shop: str, question: Hashable, freshness: Freshness) -> None:
        """Drops an entry from before a notice or before its `until`; another takes `asOf` while nothing changes."""
        there = self._shops.get(shop)
        entry = there.entries.get(question) if there else None
        if entry is None:
            return
        if entry.freshness.changes != freshness.changes or self._now() >= entry.until:
            self.forget(shop, question)
        elif entry.freshness.version == freshness.version:
            entry.freshness = freshness


def _lags(known: datetime | None, now: datetime | None) -> bool:
    return known is None or (now is not None and now - known > LAG)


class BucketCache(VersionedCache[Bucket, T]):
    """Values of a kind by bucket: one holds until the pipeline reports a change of one of its days."""

    def __init__(
        self, known: FreshnessSource, kind: str, clock: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__(known, kind, clock, seconds=BUCKET_SECONDS)

    def _is_of(self, key: Bucket, days: Set[int]) -> bool:
        return any(key.overlaps(day) for day in days)


class WholeShopCache(VersionedCache[None, T | None]):
    """All that a shop has of something small. `fetch` gives None where it is too much to be read whole."""

    def __init__(
        self,
        fetch: Callable[[str], Awaitable[Sized[T] | None]],
        known: FreshnessSource,
        kind: str,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(known, kind, clock)
        self._fetch = fetch
        self._too_big: LruCache[str, float] = LruCache()

    async def of(self, shop: str) -> T | None:
        """None where it is too much, or while nothing can be cached: read only what is needed.

        Raises:
            EngineUnavailable, EngineError: as the engine.
        """
        version = self._known.freshness(shop).version
        if version is None or (self._too_big.get(shop) or 0) > self._clock():
            return None
        return (await self.get(shop, [None], self._whole))[0]

    async def _whole(self, shop: str, _: Sequence[None]) -> list[Sized[T | None]]:
        found = await self._fetch(shop)
        if found is None:
            self._too_big.put(shop, self._clock() + TOO_BIG_SECONDS)
            return [Sized(None, 0)]
        return [Sized(found.value, found.size)]
