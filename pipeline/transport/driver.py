"""Puts the chunk transport into a Faust app, and the settings that it rests on."""

from __future__ import annotations

from typing import Any

import faust
from faust.transport.drivers import aiokafka as _driver
from faust.types import TP
from mode import CrashingSupervisor

from shopstream.bounded_aiokafka import bound_aiokafka
from shopstream.instants import Instants

from . import compat
from .bounded import ends_within, limit_logs
from .consumer import ChunkConsumer
from .membership import Callback
from .partitions import Progress

SESSION_SECONDS = 10.0
HEARTBEAT_SHARE = 0.3
COMMIT_INTERVAL = 1.0
BUFFERED_CHUNKS = 16
METADATA_SECONDS = 10.0
FETCH_BYTES = 4 * 1024 * 1024
NEVER = 7 * 24 * 3600.0
FLUSH_SECONDS = 5.0


def settings(session_seconds: float = SESSION_SECONDS) -> dict[str, Any]:
    """Keyword arguments for `faust.App`, beside its name, `broker` and credentials. Alike for all workers."""
    return {
        "broker_session_timeout": session_seconds,
        "broker_heartbeat_interval": session_seconds * HEARTBEAT_SHARE,
        "broker_commit_interval": COMMIT_INTERVAL,
        # With the default, a sink that is away for longer leaves a member that is in no group
        # and does not know it.
        "broker_max_poll_interval": NEVER,
        "consumer_auto_offset_reset": "earliest",
        # A recreated topic is found only when metadata is read again.
        "consumer_metadata_max_age_ms": int(METADATA_SECONDS * 1000),
        # Per partition and fetch: 35 % more throughput than with 1 MiB.
        "consumer_max_fetch_size": FETCH_BYTES,
        # In chunks; times the chunk's size it bounds what a stream holds in memory.
        "stream_buffer_maxsize": BUFFERED_CHUNKS,
        "stream_wait_empty": True,
        # An error that leaves an agent is a fault in the program: the process ends (exit 1) and is
        # started again. A restarted agent would pass over what the old one had in hand.
        "agent_supervisor": CrashingSupervisor,
        "table_standby_replicas": 0,
        "topic_disable_leader": True,
        # Topics are made by `migrate`, with their partitions and retention.
        "topic_allow_declare": False,
        "web_enabled": False,
    }


class BoundedProducer(_driver.Producer):  # type: ignore[misc]
    """While the app runs a flush waits for the broker; while it stops, `FLUSH_SECONDS`.

    Nothing is lost by giving up: what a message stands for is not acknowledged before it is sent.
    """

    async def flush(self) -> None:
        """Waits until all messages are sent."""
        await self._bounded("flush", super().flush())

    async def on_stop(self) -> None:
        """Stops; what waits is sent first."""
        await self._bounded("stop", super().on_stop())

    async def _bounded(self, what: str, work: Any) -> None:
        if not self.app.should_stop:
            await work
        elif not await ends_within(FLUSH_SECONDS, work):
            self.log.warning("producer: gave up %s after %s s", what, FLUSH_SECONDS)


class ChunkTransport(_driver.Transport):  # type: ignore[misc]
    """Kafka transport whose consumer delivers chunks. Use from the app's event loop."""

    Consumer = ChunkConsumer
    Producer = BoundedProducer

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.chunk_topics: set[str] = set()
        self.instants = Instants()
        self.assigned_callbacks: list[Callback] = []
        self.revoked_callbacks: list[Callback] = []

    def on_assigned(self, callback: Callback) -> None:
        """Await `callback(partitions)` on every new assignment; no record flows before it ends.

        It is cancelled if the assignment ends first; what it raises crashes the worker.
        """
        self.assigned_callbacks.append(callback)

    def on_revoked(self, callback: Callback) -> None:
        """Await `callback(partitions)` when an assignment ends (also at stop).

        Records have stopped flowing; deliveries acknowledged before it ends are still committed.
        """
        self.revoked_callbacks.append(callback)

    async def rewind(self, partitions: set[TP]) -> None:
        """Reads assigned partitions from their beginning: their topic is another one than before.

        Acknowledgements of what was delivered before have no effect any more, and the beginning
        is committed over the old offset. May be called from an `on_assigned` callback.
        """
        await self.app.consumer.rewind(partitions)

    def hold(self, partition: TP, held: bool) -> None:
        """Stops reading a partition, or goes on. What was read before is still delivered; a new assignment begins
        without."""
        self.app.consumer.hold(partition, held)

    @property
    def held(self) -> int:
        """How many partitions are held."""
        return len(self.app.consumer.held)

    def progress(self) -> dict[TP, Progress]:
        """How far each assigned partition is written, `as_of` in Unix time.

        A partition is absent while its position is unknown, all are until the `on_assigned`
        callbacks have ended.
        """
        consumer = self.app.consumer
        found = consumer.states.progress() if consumer.ready else {}
        # most partitions are at rest, and have the instant of the same fetch
        wall = {at: self.instants.wall(at) for at in {known.as_of for known in found.values()}}
        return {
            tp: Progress(known.next, wall[known.as_of] if known.as_of else 0.0)
            for tp, known in found.items()
        }

    def end(self, tp: TP) -> int | None:
        """The high watermark of an assigned partition in the latest fetch, None before there was one."""
        state = self.app.consumer.states.get(tp)
        return state.end if state else None


class ChunkSchema(faust.Schema):  # type: ignore[misc]
    """Hands the chunk through as it is."""

    def loads_key(self, app: Any, message: Any, **kwargs: Any) -> None:
        """Chunks have no key."""

    def loads_value(self, app: Any, message: Any, **kwargs: Any) -> Any:
        """The chunk."""
        return message.value


def install(app: faust.App) -> ChunkTransport:
    """Makes `app` use the chunk transport; before any topic or agent is defined.

    Raises `TransportMismatch` if the installed libraries lack a name that is built on.
    """
    compat.check()
    bound_aiokafka()
    limit_logs()
    transport = ChunkTransport(app.conf.broker_consumer, app)
    app.transport = transport
    return transport


def chunk_topic(app: faust.App, name: str, **kwargs: Any) -> Any:
    """A Faust topic whose stream elements are `Chunk`s; `kwargs` are those of `app.topic`."""
    app.transport.chunk_topics.add(name)
    return app.topic(name, schema=ChunkSchema(), **kwargs)
