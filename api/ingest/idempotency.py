"""Answers to requests with an `Idempotency-Key`, for a day: of this process alone.

Events that are sent again change no number, in whatever process they arrive; this spares the second writing.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from api.faults import BadParameter, KeyReused

HEADER = "Idempotency-Key"
MAX_KEY = 128
DAY_SECONDS = 24 * 60 * 60.0
MEMORY_BYTES = 16 * 1024 * 1024
ENTRY_BYTES = 400
"""What an answer takes beside its bytes, about."""


class _Entry(NamedTuple):
    """`answer` is pending while the events are written."""

    digest: bytes
    answer: asyncio.Future[bytes]
    until: float


class IdempotencyKeys:
    """The latest answers, up to `memory` bytes; beyond it the oldest are forgotten."""

    def __init__(
        self, memory: int = MEMORY_BYTES, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._memory = memory
        self._clock = clock
        self._entries: OrderedDict[tuple[bytes, str], _Entry] = OrderedDict()
        self._bytes = 0

    async def once(
        self, holder: bytes, key: str, digest: bytes, write: Callable[[], Awaitable[bytes]]
    ) -> bytes:
        """The answer of `write`, or of an earlier request of the holder with the same key and events. A fault is not
        remembered; who waited for the same answer meets it too.

        Raises:
            KeyReused: the key came with other events.
        """
        self._forget()
        known = self._entries.get((holder, key))
        if known is not None:
            if known.digest != digest:
                raise KeyReused
            return await asyncio.shield(known.answer)
        answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        entry = _Entry(digest, answer, self._clock() + DAY_SECONDS)
        self._entries[holder, key] = entry
        self._bytes += ENTRY_BYTES
        try:
            body = await write()
        except BaseException as error:
            self._bytes -= ENTRY_BYTES
            del self._entries[holder, key]
            if isinstance(error, Exception):
                answer.set_exception(error)
                answer.exception()  # it is no fault that nobody waited
            else:
                answer.cancel()
            raise
        self._bytes += len(body)
        answer.set_result(body)
        return body

    def _forget(self) -> None:
        """The oldest first; what is pending is in use."""
        now = self._clock()
        while self._entries:
            user_key, entry = next(iter(self._entries.items()))
            old = entry.until <= now or self._bytes > self._memory
            if not old or not entry.answer.done():
                return
            del self._entries[user_key]
            self._bytes -= ENTRY_BYTES + len(entry.answer.result())


def read_key(text: str | None) -> str | None:
    """The key of a request, None where it has none.

    Raises:
        BadParameter: it breaks the rule.
    """
    if text is not None and not (
        0 < len(text) <= MAX_KEY and text.isascii() and text.isprintable()
    ):
        raise BadParameter(HEADER, f"must be 1 to {MAX_KEY} printable ASCII characters")
    return text
