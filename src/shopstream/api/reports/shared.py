"""Answers that are asked for once while nothing changes: many dashboards ask the same at one moment."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Coroutine, Hashable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

T = TypeVar("T")

LONGEST_SECONDS = 1.0
"""For what changes numbers without the pipeline's word, such as a repair by hand."""
ENTRIES = 2000
"""Answers that are kept; beyond it the one that was asked for least recently goes."""


@dataclass(frozen=True, slots=True)
class _Entry(Generic[T]):
    version: int
    until: float
    answer: asyncio.Task[T]


class Shared(Generic[T]):
    """`version` changes with everything that may change an answer; None: nothing may be shared now.

    An answer is given again only under the version that stood before it was asked for, and for
    `longest` seconds.
    """

    def __init__(self, version: Callable[[], int | None], longest: float = LONGEST_SECONDS) -> None:
        self._version = version
        self._longest = longest
        self._entries: OrderedDict[Hashable, _Entry[T]] = OrderedDict()

    def get(self, key: Hashable, ask: Callable[[], Coroutine[Any, Any, T]]) -> Awaitable[T]:
        """The answer to `key`; a client that leaves does not take it from the others."""
        version, now = self._version(), asyncio.get_running_loop().time()
        entry = self._entries.get(key)
        if entry is not None and entry.version == version and now < entry.until:
            self._entries.move_to_end(key)
            return asyncio.shield(entry.answer)
        answer = asyncio.ensure_future(ask())
        answer.add_done_callback(lambda done: self._forget_failed(key, done))
        if version is not None:
            self._keep(key, _Entry(version, now + self._longest, answer))
        return asyncio.shield(answer)

    def forget(self, key: Hashable) -> None:
        """The next one asks again."""
        self._entries.pop(key, None)

    def _keep(self, key: Hashable, entry: _Entry[T]) -> None:
        self._entries[key] = entry
        self._entries.move_to_end(key)
        if len(self._entries) > ENTRIES:
            self._entries.popitem(last=False)

    def _forget_failed(self, key: Hashable, answer: asyncio.Task[T]) -> None:
        failed = answer.cancelled() or answer.exception() is not None
        entry = self._entries.get(key)
        if failed and entry is not None and entry.answer is answer:
            del self._entries[key]
