"""What keeps a broker that is away from holding up the process, or from writing thousands of log lines."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

from shopstream.logs import RateLimit

# Faust logs its consumer under the name of the module of our subclass.
LOGGERS = ("aiokafka", "faust.transport", __package__)


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


def limit_logs() -> None:
    """Rate-limits the loggers of aiokafka and of the transport. Idempotent."""
    # A filter on a logger does not see the records of its children.
    limit = RateLimit()
    for name in [*LOGGERS, *logging.root.manager.loggerDict]:
        logger = logging.getLogger(name)
        if name.startswith(LOGGERS) and not any(isinstance(f, RateLimit) for f in logger.filters):
            logger.addFilter(limit)
