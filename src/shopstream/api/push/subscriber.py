"""One open stream: what it wants, and a bounded queue between the hub and the connection."""

import asyncio
from collections import deque
from collections.abc import Set
from dataclasses import dataclass

MAX_FRAMES = 1024
MAX_BYTES = 1024 * 1024
MAX_WRITE = 64 * 1024


@dataclass(frozen=True, slots=True)
class Wish:
    """Events of these `types`, but for those that are addressed to another user than `user`."""

    user: str
    types: Set[str]

    def wants(self, kind: str, user: str | None) -> bool:
        """Whether an event is for this subscriber."""
        return kind in self.types and (user is None or user == self.user)


class Subscriber:
    """The hub offers, the connection takes.

    The queue holds `MAX_FRAMES` frames or `MAX_BYTES`. When full it is emptied and a reset frame takes the
    place of everything that was in it.
    """

    def __init__(self, wish: Wish) -> None:
        self.wish = wish
        self._queue: deque[bytes] = deque()
        self._size = 0
        self._wake = asyncio.Event()
        self._last: bytes | None = None

    def offer(self, frame: bytes, reset: bytes) -> bool:
        """Adds a frame, or `reset` where it does not fit; whether it did not."""
        if self._last is not None:
            return False
        full = len(self._queue) >= MAX_FRAMES or self._size + len(frame) > MAX_BYTES
        if full:
            self._clear()
            frame = reset
        self._queue.append(frame)
        self._size += len(frame)
        self._wake.set()
        return full

    def end(self, last: bytes = b"") -> None:
        """Nothing is offered any more; what is queued goes out, then `last`, then the stream ends."""
        if self._last is None:
            self._last = last
            self._wake.set()

    async def take(self, timeout: float) -> bytes | None:
        """What is queued, up to `MAX_WRITE` bytes; None where nothing came within `timeout` seconds.

        Raises:
            EndOfStream: with the last frame.
        """
        if not self._queue and self._last is None:
            self._wake.clear()
            try:
                async with asyncio.timeout(timeout):
                    await self._wake.wait()
            except TimeoutError:
                return None
        if not self._queue and self._last is not None:
            raise EndOfStream(self._last)
        return self._pop()

    def _pop(self) -> bytes:
        frames = [self._queue.popleft()]
        size = len(frames[0])
        while self._queue and size + len(self._queue[0]) <= MAX_WRITE:
            frames.append(self._queue.popleft())
            size += len(frames[-1])
        self._size -= size
        return b"".join(frames)

    def _clear(self) -> None:
        self._queue.clear()
        self._size = 0


class EndOfStream(Exception):
    """The stream is over; `last` goes out before the connection closes."""

    def __init__(self, last: bytes) -> None:
        super().__init__()
        self.last = last
