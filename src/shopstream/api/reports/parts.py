"""Periods of shops, each read once and kept until a word of the pipeline names one of its days."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence, Set
from dataclasses import dataclass, field
from typing import Generic, NamedTuple, TypeVar, cast

from shopstream.api.reports.kept import PART_SECONDS, UNHEARD_SECONDS
from shopstream.api.standing import Known

BYTES = 64 * 1024 * 1024
"""What is kept; beyond it the shop that was asked for least recently goes."""
SHOP_BYTES = BYTES // 2
"""Of one shop; beyond it the part that was asked for least recently goes."""
ACCOUNT_BYTES, PART_BYTES = 700, 700
"""Of each shop and of each part beside its value."""
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


class Weighed(NamedTuple, Generic[T]):
    """What was read of a part; `size` in bytes, roughly."""

    value: T
    size: int


Read = Callable[[str, Sequence[Part]], Awaitable[Sequence[Weighed[T]]]]
"""Reads some parts of a shop: of each in its turn."""


@dataclass(eq=False, slots=True)
class _Entry(Generic[T]):
    """`version` as of `Standing`: that from before it was read, or a later one up to which none of its days
    were touched. While `reading` is not None it has no value yet."""

    version: int
    begun: float
    reading: asyncio.Task[None] | None = None
    value: T | None = None
    size: int = 0


@dataclass(eq=False, slots=True)
class _Account(Generic[T]):
    """One shop's parts, the one that was asked for least recently first."""

    entries: OrderedDict[Part, _Entry[T]] = field(default_factory=OrderedDict)
    size: int = ACCOUNT_BYTES


class Parts(Generic[T]):
    """A part has whatever the pipeline's words have said. Many that ask for one at a time read it once, and one of
    them that leaves does not take it from the others. Nothing is kept while the words cannot be read.
    """

    def __init__(
        self, read: Read[T], book: Known, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._ask = read
        self._book = book
        self._clock = clock
        self._accounts: OrderedDict[str, _Account[T]] = OrderedDict()
        self._bytes = 0

    async def get(self, shop: str, parts: Sequence[Part]) -> list[T]:
        """The value of each, as new as what is known now.

        Raises:
            EngineUnavailable, EngineError: as the engine.
        """
        version = self._book.standing(shop).version
        if version is None:
            return [one.value for one in await self._ask(shop, parts)]
        account = self._account(shop)
        if stale := self._stale(shop, account, parts, version):
            self._begin(shop, account, stale, version)
        entries = []
        for part in parts:
            account.entries.move_to_end(part)
            entries.append(account.entries[part])
        for reading in {entry.reading for entry in entries if entry.reading is not None}:
            await asyncio.shield(reading)
        return [cast(T, entry.value) for entry in entries]

    def _account(self, shop: str) -> _Account[T]:
        account = self._accounts.get(shop)
        if account is None:
            account = self._accounts[shop] = _Account()
            self._bytes += account.size
        self._accounts.move_to_end(shop)
        return account

    def _stale(
        self, shop: str, account: _Account[T], parts: Sequence[Part], version: int
    ) -> list[Part]:
        """Those that must be read; the others are as new as `version`."""
        longest = PART_SECONDS if self._book.standing(shop).heard else UNHEARD_SECONDS
        since = self._clock() - longest
        touched: dict[int, Set[int] | None] = {version: frozenset()}
        stale = []
        for part in parts:
            entry = account.entries.get(part)
            if entry is None or entry.begun <= since:
                stale.append(part)
                continue
            if entry.version not in touched:
                touched[entry.version] = self._book.touched(shop, entry.version)
            days = touched[entry.version]
            if days is None or any(part.has(day) for day in days):
                stale.append(part)
            else:
                entry.version = version
        return stale

    def _begin(self, shop: str, account: _Account[T], stale: Sequence[Part], version: int) -> None:
        begun = self._clock()
        entries = [_Entry[T](version, begun) for _ in stale]
        reading = asyncio.ensure_future(self._read(shop, account, stale, entries))
        reading.add_done_callback(lambda task: task.cancelled() or task.exception())
        for part, entry in zip(stale, entries, strict=True):
            self._drop(shop, account, part)
            entry.reading = reading
            account.entries[part] = entry

    async def _read(
        self, shop: str, account: _Account[T], stale: Sequence[Part], entries: Sequence[_Entry[T]]
    ) -> None:
        try:
            found = await self._ask(shop, stale)
        except BaseException:
            for part, entry in zip(stale, entries, strict=True):
                if account.entries.get(part) is entry:
                    self._drop(shop, account, part)
            raise
        for part, entry, one in zip(stale, entries, found, strict=True):
            entry.reading, entry.value = None, one.value
            if account.entries.get(part) is entry:
                entry.size = PART_BYTES + one.size
                self._weigh(shop, account, entry.size)
        while account.entries and account.size > SHOP_BYTES:
            self._drop(shop, account, next(iter(account.entries)))
        while self._bytes > BYTES:
            _, gone = self._accounts.popitem(last=False)
            self._bytes -= gone.size

    def _drop(self, shop: str, account: _Account[T], part: Part) -> None:
        entry = account.entries.pop(part, None)
        if entry is not None:
            self._weigh(shop, account, -entry.size)

    def _weigh(self, shop: str, account: _Account[T], size: int) -> None:
        account.size += size
        if self._accounts.get(shop) is account:
            self._bytes += size
