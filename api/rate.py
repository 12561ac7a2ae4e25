"""How often a token may ask: a steady rate, and twice as much at one moment."""

import hashlib
import math
import time
from collections.abc import Callable

from api.faults import TooMany
from api.lru import LruCache

BURST_SECONDS = 2.0
"""A token that was silent may ask for as many seconds at once."""
MEMORY = 20_000
"""Tokens that are remembered; beyond it the one that asked least recently is forgotten."""


class Rate:
    """At most `limit` requests a second and token; each process counts for itself. 0: without end."""

    def __init__(self, limit: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._limit = limit
        self._clock = clock
        # when what a token has asked for is paid, by hash: no token is kept
        self._paid: LruCache[bytes, float] = LruCache(MEMORY)

    def count(self, token: str) -> None:
        """One request of a valid token.

        Raises:
            TooMany: it is not counted, and says when the next would be.
        """
        if not self._limit:
            return
        now, step = self._clock(), 1 / self._limit
        name = hashlib.blake2b(token.encode(errors="replace"), digest_size=16).digest()
        paid = max(now, self._paid.get(name) or now) + step
        # the smallest limits still let one request through
        over = paid - now - max(BURST_SECONDS, step)
        if over > 1e-9:
            raise TooMany(math.ceil(over))
        self._paid.put(name, paid)
