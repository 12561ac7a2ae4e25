"""What keeps a broker that is away from holding up the process, or from writing thousands of log lines."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine
from typing import Any

# Faust logs its consumer under the name of the module of our subclass.
LOGGERS = ("aiokafka", "faust.transport", __package__)
WINDOW = 10.0
BURST = 5


async def ends_within(seconds: float, work: Coroutine[Any, Any, Any]) -> bool:
    """Runs `work` for at most `seconds`; False if it was cut off. What it raises is raised.

    Not `asyncio.wait_for`: Faust swallows cancellation in places, and `wait_for` would then wait for ever for the
    cancelled task. aiokafka lets its own cancellations escape while it closes: that is an end too, and not one of the
    caller.
    """
    task = asyncio.ensure_future(work)
    try:
        done, _ = await asyncio.wait({task}, timeout=seconds)
    except asyncio.CancelledError:
        task.cancel()
        raise
    if not done:
        task.cancel()
        return False
    if task.cancelled():
        return False
    task.result()
    return True


class RateLimit(logging.Filter):
    """Lets `burst` records of one message template through per `window` seconds.

    The first record of the next window says how many were left out. Templates are few, so what is remembered stays
    small.
    """

    def __init__(
        self,
        burst: int = BURST,
        window: float = WINDOW,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__()
        self._burst = burst
        self._window = window
        self._clock = clock
        self._seen: dict[object, tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether to let the record through; those above ERROR always pass."""
        if record.levelno > logging.ERROR:
            return True
        key, now = (record.name, record.msg), self._clock()
        since, count = self._seen.get(key, (now, 0))
        if now - since < self._window:
            self._seen[key] = (since, count + 1)
            return count < self._burst
        self._seen[key] = (now, 1)
        if count > self._burst:
            record.msg = f"{record.msg} [{count - self._burst} more like this left out]"
        return True


def limit_logs() -> None:
    """Rate-limits the loggers of aiokafka and of the transport. Idempotent."""
    # A filter on a logger does not see the records of its children.
    limit = RateLimit()
    for name in [*LOGGERS, *logging.root.manager.loggerDict]:
        logger = logging.getLogger(name)
        if name.startswith(LOGGERS) and not any(isinstance(f, RateLimit) for f in logger.filters):
            logger.addFilter(limit)
