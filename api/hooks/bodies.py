"""What the bodies of webhooks may take before their senders are known: memory, and time."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from starlette.requests import Request

from api.faults import Busy, ContentTooLarge, TooSlow

MEMORY_BYTES = 32 * 1024 * 1024
"""Bodies of all requests in progress, as far as they have arrived."""
ADDRESS_BYTES = MEMORY_BYTES // 8
"""Of one address."""
FIRST_SECONDS = 5.0
BYTES_PER_SECOND = 256 * 1024
"""A body has the first seconds, and one more for each so many of its bytes."""


class BodyMemory:
    """Bytes of bodies that are read and not answered yet. `by_address`: an address has a share of them; not behind a
    proxy, whose address all senders have."""

    def __init__(self, by_address: bool) -> None:
        self._share = ADDRESS_BYTES if by_address else MEMORY_BYTES
        self._taken = Counter[str]()

    @contextmanager
    def slot(self, address: str) -> Iterator[Callable[[int], None]]:
        """Yields what takes bytes, which are given back when the block ends; it raises `Busy` where there are none."""
        own = 0

        def take(size: int) -> None:
            nonlocal own
            if (
                self._taken[address] + size > self._share
                or self._taken.total() + size > MEMORY_BYTES
            ):
                raise Busy("Too many webhooks are being read.", 1)
            own += size
            self._taken[address] += size

        try:
            yield take
        finally:
            self._taken[address] -= own
            if not self._taken[address]:
                del self._taken[address]


async def read_body(request: Request, take: Callable[[int], None], limit: int) -> bytes:
    """A body of at most `limit` bytes.

    Raises:
        ContentTooLarge, TooSlow: it is too long, or takes too long.
        Busy: `take` has no memory for it.
    """
    found = bytearray()
    began = asyncio.get_running_loop().time()
    try:
        async with asyncio.timeout_at(began + FIRST_SECONDS) as allowed:
            async for part in request.stream():
                take(len(part))
                found += part
                if len(found) > limit:
                    raise ContentTooLarge(f"A body has at most {limit} bytes.")
                allowed.reschedule(began + FIRST_SECONDS + len(found) / BYTES_PER_SECOND)
    except TimeoutError:
        raise TooSlow("The body of the request did not come in time.") from None
    return bytes(found)
