"""Calls back when partitions come and go, and holds records back until the callbacks have ended."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from typing import Any

from faust.types import TP

Callback = Callable[[set[TP]], Awaitable[None]]


class Membership:
    """The partitions held now; its callbacks may take longer than a rebalance may.

    `spawn` runs a coroutine as a task whose exception crashes the worker.
    """

    def __init__(self, spawn: Callable[[Coroutine[Any, Any, None]], asyncio.Future[Any]]) -> None:
        self._spawn = spawn
        self._held: set[TP] = set()
        self._arrival: asyncio.Future[Any] | None = None
        self._came = asyncio.Event()

    async def arrived(self, tps: set[TP], callbacks: list[Callback]) -> None:
        """A new assignment: calls back, in order, while the group goes on without waiting.

        aiokafka sends no heartbeat while its listener runs, so a recovery that takes longer than
        the session must not run inside it; records wait for `ready` instead.
        """
        await self._cancel_arrival()
        self._held = set(tps)
        self._arrival = self._spawn(_call(callbacks, set(tps)))
        self._came.set()

    async def leaving(self, callbacks: list[Callback]) -> None:
        """The assignment ends: calls back once, with what was held."""
        await self._cancel_arrival()
        held, self._held = self._held, set()
        if held:
            await _call(callbacks, held)

    @property
    def settled(self) -> bool:
        """Whether there is an assignment and its callbacks have ended."""
        return self._arrival is not None and self._arrival.done()

    async def ready(self, timeout: float) -> bool:
        """`settled`; where it is not, waits for it at most `timeout` seconds first."""
        if self.settled:
            return True
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                await (asyncio.wait({self._arrival}) if self._arrival else self._came.wait())
        return False

    async def _cancel_arrival(self) -> None:
        self._came.clear()
        arrival, self._arrival = self._arrival, None
        if arrival is not None and not arrival.done():
            arrival.cancel()
            await asyncio.wait({arrival}, timeout=1.0)


async def _call(callbacks: list[Callback], tps: set[TP]) -> None:
    for callback in callbacks:
        await callback(set(tps))
