"""Waits that end."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any


async def ends_within(seconds: float, work: Coroutine[Any, Any, Any]) -> bool:
    """Run `work` for at most `seconds`; False if it was cut off. What it raises is raised.

    Not `asyncio.wait_for`: Faust swallows cancellation in places, and `wait_for` would then wait
    for ever for the cancelled task. aiokafka lets its own cancellations escape while it closes:
    that is an end too, and not one of the caller.
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
