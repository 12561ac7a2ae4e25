"""Keeps a set of processes running, in order, and stops them all."""

import asyncio
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from signal import SIGKILL
from typing import Any

from local.board import Board, State
from local.child import Child
from local.output import Say
from local.service import Backoff, Service, grace, how_it_ended
from shopstream.faults import Fault

STOP_WITHIN = 9.0
"""Seconds for all processes together."""
STOP_UNFIT = 2.0
"""Seconds for a process that has not become ready to stop."""
ATTEMPTS = 4
"""A service that never was ready is given up after so many starts."""
PROBE_EVERY = 0.05


class StartFailed(Fault):
    """A service could not be brought up even once."""

    def __init__(self, name: str, reason: str, log: Path) -> None:
        super().__init__(f"The {name} does not start ({reason}); its log is {log}.")


class NotReady(Exception):
    """A process runs but does not become ready."""


class Supervisor:
    """Runs `services` (in start order) until told to stop. Logs go to `logs`, one file each.

    `restarted` gets, by service, how often it was started again: at the begin, and after each time.
    """

    def __init__(
        self,
        services: tuple[Service, ...],
        logs: Path,
        say: Say,
        restarted: Callable[[Mapping[str, int]], None] = lambda _: None,
    ) -> None:
        self._services = services
        self._logs = logs
        self._say = say
        self._board = Board(services)
        self._changed = asyncio.Event()
        self._children: dict[str, Child] = {}
        self._restarted = restarted
        self._restarts = dict.fromkeys((service.name for service in services), 0)

    @property
    def pids(self) -> dict[str, int]:
        return {name: child.pid for name, child in self._children.items()}

    async def run(self, stop: asyncio.Event, ready: Callable[[], None]) -> None:
        """Starts everything, calls `ready` once all are, returns after `stop` with none left.

        Raises:
            StartFailed: a service could not be brought up even once; none is left then either. What `ready` raises
            ends them all too.
        """
        self._restarted(self._restarts)
        keepers = [asyncio.create_task(self._keep(service)) for service in self._services]
        stopped = asyncio.create_task(stop.wait())
        announcer = asyncio.create_task(self._announce(ready))
        try:
            await self._until_one_ends(stopped, announcer, keepers)
        finally:
            for task in (stopped, announcer, *keepers):
                task.cancel()
            outcome = await asyncio.gather(announcer, *keepers, return_exceptions=True)
            await self._stop_all()
        for result in outcome:
            if isinstance(result, Exception):
                raise result

    async def _until_one_ends(
        self,
        stopped: asyncio.Task[Any],
        announcer: asyncio.Task[None],
        keepers: list[asyncio.Task[None]],
    ) -> None:
        """The announcer may end, but not fail."""
        waited: set[asyncio.Task[Any]] = {stopped, announcer, *keepers}
        while not stopped.done():
            done, waited = await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
            if done != {announcer} or announcer.exception() is not None:
                return

    def kill_all(self) -> None:
        for child in self._children.values():
            child.signal(SIGKILL)

    async def _announce(self, ready: Callable[[], None]) -> None:
        await self._until(self._board.all_ready)
        ready()

    async def _keep(self, service: Service) -> None:
        backoff = Backoff()
        while True:
            await self._until(lambda: self._board.may_start(service.name))
            begun = time.monotonic()
            reason = await self._one_life(service)
            if (
                not self._board.was_ready(service.name)
                and self._restarts[service.name] + 1 >= ATTEMPTS
            ):
                raise StartFailed(service.name, reason, self._log(service))
            pause = backoff.after(time.monotonic() - begun)
            self._say(service.name, f"ended ({reason}), starts again in {pause:.1f} s")
            await asyncio.sleep(pause)
            self._restarts[service.name] += 1
            self._restarted(self._restarts)

    async def _one_life(self, service: Service) -> str:
        """From start to end; the reason."""
        try:
            child = self._spawn(service)
        except OSError as error:
            return str(error)
        self._set(service.name, State.STARTING)
        starting = asyncio.create_task(self._become_ready(service))
        try:
            return await self._follow(child, starting)
        finally:
            starting.cancel()
            if child.ended.done():
                self._children.pop(service.name, None)
                self._set(service.name, State.DOWN)

    async def _follow(self, child: Child, starting: asyncio.Task[None]) -> str:
        first: set[asyncio.Future[int] | asyncio.Task[None]] = {child.ended, starting}
        await asyncio.wait(first, return_when=asyncio.FIRST_COMPLETED)
        if starting.done() and not child.ended.done():
            if fault := starting.exception():
                await child.stop(STOP_UNFIT)
                return str(fault) or repr(fault)
            self._set(child.name, State.READY)
            await asyncio.wait({child.ended})
        return how_it_ended(child.ended.result(), child.last_words)

    async def _become_ready(self, service: Service) -> None:
        deadline = time.monotonic() + service.starts_within
        while not await service.probe():
            if not self._board.has_what_it_needs(service.name):
                deadline = time.monotonic() + service.starts_within
            elif time.monotonic() > deadline:
                raise NotReady(f"not ready within {service.starts_within:.0f} s")
            await asyncio.sleep(PROBE_EVERY)
        await service.prepare()

    def _spawn(self, service: Service) -> Child:
        child = Child(
            service.name, service.command, service.environment, self._log(service), self._say
        )
        self._children[service.name] = child
        return child

    async def _stop_all(self) -> None:
        deadline = time.monotonic() + STOP_WITHIN
        order = [name for name in self._board.stop_order() if name in self._children]
        for position, name in enumerate(order):
            remaining = deadline - time.monotonic()
            await self._children[name].stop(grace(remaining, len(order) - position))
        self._children.clear()

    def _log(self, service: Service) -> Path:
        return self._logs / f"{service.name}.log"

    def _set(self, name: str, state: State) -> None:
        self._board.set(name, state)
        self._changed.set()
        self._changed = asyncio.Event()

    async def _until(self, condition: Callable[[], bool]) -> None:
        while not condition():
            await self._changed.wait()
