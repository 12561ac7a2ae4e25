"""The keys behind a URL, fetched beside the requests: kept while they serve, asked for again in time.

1. A first fetch at the start, then one when the last answer is no longer fresh; after a failure sooner.
2. A token that names an unknown key causes one more, at most every `ASK_SECONDS`, whoever sends how many.
3. Whoever waits for a fetch waits for the same one.
4. The last keys serve through an outage of the URL for `KEEP_SECONDS`; then no token can be checked.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import NamedTuple

from api.faults import KeysUnavailable
from api.keys import Key, fitting

log = logging.getLogger(__name__)

ASK_SECONDS = 10.0
WAIT_SECONDS = 2.0
"""How long a request waits for a fetch."""
KEEP_SECONDS = 24 * 3600.0
AGAIN_SECONDS = (1.0, 30.0)
"""From a failed fetch to the next: doubled each time, from the first to the second."""


class Fetched(NamedTuple):
    """Usable keys, and for how many seconds nothing else is expected."""

    keys: tuple[Key, ...]
    fresh: float


class FetchFault(Exception):
    """The keys could not be had; `str()` says why, without the address."""


class Jwks:
    """`fetch` raises `FetchFault`; `clock` is in seconds and never goes back."""

    def __init__(
        self, fetch: Callable[[], Awaitable[Fetched]], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._fetch = fetch
        self._clock = clock
        self._keys: tuple[Key, ...] = ()
        self._had = float("-inf")
        self._asked = float("-inf")
        self._due = clock()
        self._failures = 0
        self._reason = "nothing was asked yet"
        self._fetching: asyncio.Task[None] | None = None
        self._moved = asyncio.Event()

    async def run(self) -> None:
        """Keeps the keys fresh until it is cancelled."""
        try:
            while True:
                left = self._due - self._clock()
                if left <= 0:
                    await asyncio.wait({self._flight()})
                    continue
                self._moved.clear()
                with suppress(TimeoutError):
                    async with asyncio.timeout(left):
                        await self._moved.wait()
        finally:
            if self._fetching:
                self._fetching.cancel()

    async def prepare(self, algorithm: str, kid: str | None) -> None:
        """Returns once it is known whether there is such a key, or after `WAIT_SECONDS`."""
        if self._serving() and fitting(self._keys, algorithm, kid):
            return
        if self._idle() and self._clock() < self._asked + ASK_SECONDS:
            return
        await asyncio.wait({self._flight()}, timeout=WAIT_SECONDS)

    def find(self, algorithm: str, kid: str | None) -> Sequence[Key]:
        """The keys that may have signed a token with this head.

        Raises:
            KeysUnavailable: whether there are any cannot be said at this moment.
        """
        found = fitting(self._keys, algorithm, kid) if self._serving() else []
        if not found and (self._failures or not self._serving()):
            raise KeysUnavailable("The keys that tokens are checked with cannot be fetched.")
        return found

    def unavailable_reason(self) -> tuple[str, bool] | None:
        """What is wrong, and whether the last keys serve meanwhile; None while all is well."""
        if self._serving() and not self._failures:
            return None
        if not self._serving():
            return f"The keys of the tokens cannot be fetched: {self._reason}.", False
        left = (self._had + KEEP_SECONDS - self._clock()) / 3600
        return (
            f"The keys of the tokens cannot be fetched: {self._reason}."
            f" The last ones serve for another {left:.1f} h."
        ), True

    def _serving(self) -> bool:
        return self._clock() < self._had + KEEP_SECONDS

    def _idle(self) -> bool:
        return self._fetching is None or self._fetching.done()

    def _flight(self) -> asyncio.Task[None]:
        """The fetch under way, begun where there is none."""
        if self._fetching is None or self._fetching.done():
            self._asked = self._clock()
            self._fetching = asyncio.create_task(self._once(), name="keys")
        return self._fetching

    async def _once(self) -> None:
        try:
            keys, fresh = await self._fetch()
        except FetchFault as fault:
            self._failed(str(fault))
        except Exception:
            # whatever an address sends must not end the process
            log.exception("fetching the keys of the tokens failed")
            self._failed("a fault in this program")
        else:
            self._got(keys, fresh)
        self._moved.set()

    def _got(self, keys: tuple[Key, ...], fresh: float) -> None:
        if self._failures or not self._keys:
            log.info("the keys of the tokens are there: %d", len(keys))
        self._keys, self._failures = keys, 0
        self._had = self._clock()
        self._due = self._had + fresh

    def _failed(self, reason: str) -> None:
        first, longest = AGAIN_SECONDS
        self._due = self._clock() + min(longest, first * 2 ** min(self._failures, 10))
        if not self._failures or reason != self._reason:
            log.warning("the keys of the tokens cannot be fetched: %s", reason)
        self._failures += 1
        self._reason = reason
