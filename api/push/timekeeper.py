"""Once a second, for all open streams: pings, ends of tokens, and streams that have stood long enough."""

import asyncio
import random
from collections.abc import Callable

from api.push.hub import Hub

TICK_SECONDS = 1.0
PING_SECONDS = 15.0
ROTATION_SPREAD = 0.2
"""Streams end after their time ± this share of it, so that not all come back at once."""


def rotation(seconds: float) -> float:
    """How long one stream may stand; without end where `seconds` is 0."""
    spread = random.uniform(1 - ROTATION_SPREAD, 1 + ROTATION_SPREAD)  # noqa: S311
    return seconds * spread if seconds else float("inf")


class Timekeeper:
    """`sweep` is called with every tick too."""

    def __init__(self, hub: Hub, sweep: Callable[[], None]) -> None:
        self._hub = hub
        self._sweep = sweep

    async def run(self) -> None:
        """Ticks every `TICK_SECONDS`; never returns."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(TICK_SECONDS)
            self.tick(loop.time())
            self._sweep()

    def tick(self, now: float) -> None:
        """`now` of the event loop."""
        for subscriber in self._hub.subscribers():
            if now >= subscriber.expires:
                self._hub.end(subscriber, "expired")
            elif now >= subscriber.rotates:
                self._hub.end(subscriber, "rotate")
            elif not subscriber.pinged:
                # streams that began together do not all get their pings at once
                subscriber.pinged = now - random.uniform(0, PING_SECONDS)  # noqa: S311
            elif now - subscriber.pinged >= PING_SECONDS and subscriber.paused is None:
                subscriber.pinged = now
                if subscriber.encoding.ping:
                    subscriber.outlet.write(subscriber.encoding.ping)
