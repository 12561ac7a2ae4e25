"""A bounded buffer of frames, for a response that cannot write to its connection directly."""

import asyncio
from collections import deque
from collections.abc import Callable
from functools import partial

from api.push.hub import Hub
from api.push.subscriber import Subscriber
from api.push.takeover import noop

HIGH_WATER = 64 * 1024
LOW_WATER = 16 * 1024
"""Bytes; between the two nothing changes, as with asyncio's transports."""


class Buffer:
    """`pause` is called when more waits than `HIGH_WATER`, `resume` when less than `LOW_WATER` does."""

    def __init__(self) -> None:
        self.pause: Callable[[], None] = noop
        self.resume: Callable[[], None] = noop
        self.closed = False
        self.aborted = False
        self.full = False
        self._parts: deque[bytes] = deque()
        self._size = 0
        self._wake = asyncio.Event()

    def __len__(self) -> int:
        return self._size

    def bind(self, hub: Hub, subscriber: Subscriber) -> None:
        """Pauses and resumes a subscriber of the hub by how full the buffer is."""
        self.pause = partial(hub.pause, subscriber)
        self.resume = partial(hub.on_writable, subscriber)

    def unbind(self) -> None:
        self.pause = self.resume = noop

    def write(self, data: bytes) -> None:
        """Adds frames; drops them once the buffer is closed."""
        if self.closed or not data:
            return
        self._parts.append(data)
        self._size += len(data)
        self._wake.set()
        if self._size > HIGH_WATER and not self.full:
            self.full = True
            self.pause()

    def close(self) -> None:
        """Takes no more frames; those that wait still go out."""
        self.closed = True
        self._wake.set()

    def abort(self) -> None:
        """Drops what waits, and closes."""
        self._parts.clear()
        self._size = 0
        self.aborted = True
        self.close()

    async def take(self, timeout: float) -> bytes | None:
        """What waits, up to `HIGH_WATER` bytes or one frame; None once nothing will come any more.

        Empty where nothing came within `timeout` seconds.
        """
        if not self._parts and not self.closed:
            self._wake.clear()
            try:
                async with asyncio.timeout(timeout):
                    await self._wake.wait()
            except TimeoutError:
                return b""
        return self.pop()

    def pop(self) -> bytes | None:
        """As `take`, without waiting."""
        if not self._parts:
            return None if self.closed else b""
        parts = [self._parts.popleft()]
        size = len(parts[0])
        while self._parts and size + len(self._parts[0]) <= HIGH_WATER:
            parts.append(self._parts.popleft())
            size += len(parts[-1])
        self._size -= size
        if self.full and self._size < LOW_WATER:
            self.full = False
            self.resume()
        return b"".join(parts)
