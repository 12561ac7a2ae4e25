"""Puts the chunk transport into a Faust app."""

from __future__ import annotations

from typing import Any

import faust
from faust.transport.drivers import aiokafka as _driver
from faust.types import TP

from shopstream.instants import Instants
from shopstream.record_batches import bound_aiokafka

from . import compat, quiet
from .book import Progress
from .consumer import ChunkConsumer
from .membership import Callback
from .producer import BoundedProducer


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
        """Read assigned partitions from their beginning: their topic is another one than before.

        Acknowledgements of what was delivered before have no effect any more, and the beginning
        is committed over the old offset. May be called from an `on_assigned` callback.
        """
        await self.app.consumer.rewind(partitions)

    def progress(self) -> dict[TP, Progress]:
        """How far each assigned partition is done.

        A partition is absent while its position is unknown, all are until the `on_assigned`
        callbacks have ended.
        """
        consumer = self.app.consumer
        told = consumer.books.progress() if consumer.ready else {}
        return {tp: self._on_the_wall(known) for tp, known in told.items()}

    def _on_the_wall(self, known: Progress) -> Progress:
        return known._replace(as_of=self.instants.wall(known.as_of) if known.as_of else 0.0)


class ChunkSchema(faust.Schema):  # type: ignore[misc]
    """Hands the chunk through as it is."""

    def loads_key(self, app: Any, message: Any, **kwargs: Any) -> None:
        """Chunks have no key."""

    def loads_value(self, app: Any, message: Any, **kwargs: Any) -> Any:
        """The chunk."""
        return message.value


def install(app: faust.App) -> ChunkTransport:
    """Make `app` use the chunk transport; before any topic or agent is defined.

    Raises `TransportMismatch` if the installed libraries lack a name that is built on.
    """
    compat.check()
    bound_aiokafka()
    quiet.install()
    transport = ChunkTransport(app.conf.broker_consumer, app)
    app.transport = transport
    return transport


def chunk_topic(app: faust.App, name: str, **kwargs: Any) -> Any:
    """A Faust topic whose stream elements are `Chunk`s; `kwargs` are those of `app.topic`."""
    app.transport.chunk_topics.add(name)
    return app.topic(name, schema=ChunkSchema(), **kwargs)
