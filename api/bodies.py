"""What the bodies of requests in progress take: memory, and time."""

import asyncio
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from starlette.requests import Request

from api.concurrency import Taken
from api.faults import Busy, ContentTooLarge, TooSlow

T = TypeVar("T")
FIRST_SECONDS = 5.0
BYTES_PER_SECOND = 256 * 1024
"""A timed body has the first seconds, and one more for each so many of its bytes."""


class Checks:
    """Checks of bodies: of big ones so many at once, beside the event loop."""

    def __init__(self, at_once: int = 2) -> None:
        self._slots = asyncio.Semaphore(at_once)

    async def run(self, check: Callable[[], T], *, big: bool) -> T:
        """What `check` returns, or raises."""
        if not big:
            return check()
        async with self._slots:
            return await asyncio.to_thread(check)


class BodyMemory:
    """Bytes of bodies that are read and not answered yet: at most `limit`, `share` of them of one group of senders, and
    `requests` requests of one sender. `full` is the sentence where there is no memory."""

    def __init__(
        self, full: str, limit: int, share: int | None = None, requests: int | None = None
    ) -> None:
        self._full = full
        self._limit = limit
        self._share = limit if share is None else share
        self._most = requests
        self._taken = Taken()
        self._requests = Taken()

    @contextmanager
    def slot(
        self, sender: Hashable, group: Hashable | None = None
    ) -> Iterator[Callable[[int], None]]:
        """Yields what takes bytes, which are given back when the block ends; it raises `Busy` where there are none.
        A sender without a group has a share of its own.

        Raises:
            Busy: the sender has as many requests in progress as it may.
        """
        if self._requests[sender] == self._most:
            raise Busy("Too many requests of this user are in progress.", 1)
        self._requests[sender] += 1
        group, own = sender if group is None else group, 0

        def take(size: int) -> None:
            nonlocal own
            if self._taken[group] + size > self._share or self._taken.total() + size > self._limit:
                raise Busy(self._full, 1)
            own += size
            self._taken[group] += size

        try:
            yield take
        finally:
            self._taken.give_back(group, own)
            self._requests.give_back(sender)


async def read_body(request: Request, take: Callable[[int], None], limit: int) -> bytes:
    """A body of at most `limit` bytes.

    Raises:
        ContentTooLarge: it is too long.
        Busy: `take` has no memory for it.
    """
    found = bytearray()
    async for part in request.stream():
        take(len(part))
        found += part
        if len(found) > limit:
            raise ContentTooLarge(f"A body has at most {limit} bytes.")
    return bytes(found)


async def read_timed_body(request: Request, take: Callable[[int], None], limit: int) -> bytes:
    """The same, from a sender that is not known yet.

    Raises:
        ContentTooLarge, Busy: as `read_body`.
        TooSlow: it takes too long.
    """
    began, size = asyncio.get_running_loop().time(), 0
    try:
        async with asyncio.timeout_at(began + FIRST_SECONDS) as allowed:

            def took(more: int) -> None:
                nonlocal size
                take(more)
                size += more
                allowed.reschedule(began + FIRST_SECONDS + size / BYTES_PER_SECOND)

            return await read_body(request, took, limit)
    except TimeoutError:
        raise TooSlow("The body of the request did not come in time.") from None
