"""The event topics as the broker has them: their epochs (`shopstream.broker.epoch_of`) and numbers of partitions."""

import logging
import threading
from asyncio import AbstractEventLoop, Future
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol
from uuid import UUID

from shopstream.broker import BrokerUnreachable, epoch_of
from shopstream.contracts.cursor import Partition

log = logging.getLogger(__name__)

INTERVAL = 1.0
"""Seconds between two looks."""


class TopicState(NamedTuple):
    epoch: int
    partitions: int


Topology = Mapping[str, TopicState]
"""By topic name; a topic that does not exist is not in it."""


class Admin(Protocol):
    """The broker's administration; every call blocks."""

    def topic_ids(self, names: Sequence[str]) -> dict[str, UUID | None]: ...

    def partitions(self, names: Sequence[str]) -> dict[str, int]: ...

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Look:
    """What one look found. `topology` None: the broker did not answer, and `fault` says why."""

    topology: Topology | None
    fault: str | None = None


def partitions_of(topology: Topology) -> dict[Partition, int]:
    """The epoch of every partition there is."""
    return {
        Partition(name, number): state.epoch
        for name, state in topology.items()
        for number in range(state.partitions)
    }


def look(admin: Admin, names: Sequence[str]) -> Look:
    """Asks once. A broker without topic ids gives each topic the epoch 0."""
    try:
        ids = admin.topic_ids(names)
        counts = admin.partitions(names)
    except BrokerUnreachable as error:
        return Look(None, str(error))
    except Exception as error:
        log.exception("the broker's answer about its topics could not be read")
        admin.close()
        return Look(None, f"Kafka's answer cannot be read ({type(error).__name__}).")
    return Look(
        {
            name: TopicState(epoch_of(found) if (found := ids[name]) else 0, count)
            for name, count in counts.items()
            if count
        }
    )


class Watch:
    """Looks every `INTERVAL` seconds, on a thread of its own, and tells the event loop what it found.

    A daemon thread: a broker that does not answer never holds up the end of the process.
    """

    def __init__(self, admin: Admin, names: Sequence[str], tell: Callable[[Look], None]) -> None:
        self._admin = admin
        self._names = tuple(names)
        self._tell = tell
        self._wake = threading.Event()
        self._lock = threading.Lock()
        self._stopping = False
        self._waiting: list[Future[Look]] = []
        self._loop: AbstractEventLoop | None = None

    def start(self, loop: AbstractEventLoop) -> None:
        """Begins to look; `tell` is called on `loop`."""
        self._loop = loop
        threading.Thread(target=self._run, name="topic-watch", daemon=True).start()

    def stop(self) -> None:
        """No look is told after this."""
        self._stopping = True
        self._wake.set()

    async def fresh(self) -> Look:
        """A look that began after this call; the callers of one moment share it."""
        if self._loop is None:
            raise RuntimeError("the watch was not started")
        future: Future[Look] = self._loop.create_future()
        with self._lock:
            self._waiting.append(future)
        self._wake.set()
        return await future

    def _run(self) -> None:
        while not self._stopping:
            self._wake.clear()
            with self._lock:
                waiting, self._waiting = self._waiting, []
            try:
                self._report(look(self._admin, self._names), waiting)
            except Exception:  # a thread that ends says nothing to anybody
                log.exception("a look at the topics failed; the next one follows")
            self._wake.wait(INTERVAL)
        self._admin.close()

    def _report(self, found: Look, waiting: list[Future[Look]]) -> None:
        if self._stopping or self._loop is None or self._loop.is_closed():
            return
        self._loop.call_soon_threadsafe(self._deliver, found, waiting)

    def _deliver(self, found: Look, waiting: list[Future[Look]]) -> None:
        if self._stopping:
            return
        self._tell(found)
        for future in waiting:
            if not future.done():
                future.set_result(found)
