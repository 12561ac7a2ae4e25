"""Kafka for Faust in whole chunks, with exact commits and an as-of instant.

    app = faust.App("shopstream", broker="kafka://127.0.0.1:9092", **settings())
    transport = install(app)

    @app.agent(chunk_topic(app, "shop.orders"))
    async def orders(stream):
        async for delivery in deliveries(stream):
            await flusher.offer(delivery)  # calls delivery.ack() once it is durable

A commit is the end of the acknowledged prefix of a partition. `transport.progress()` returns how far each partition is
written (`delivery.written()`, at the latest `ack()`), and until which instant.
"""

from .chunk import Chunk, Delivery, deliveries
from .compat import TransportMismatch
from .driver import ChunkTransport, chunk_topic, install, settings
from .membership import Callback
from .partitions import Progress

__all__ = [
    "Callback",
    "Chunk",
    "ChunkTransport",
    "Delivery",
    "Progress",
    "TransportMismatch",
    "chunk_topic",
    "deliveries",
    "install",
    "settings",
]
