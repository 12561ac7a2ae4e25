"""Kafka for Faust in whole chunks, with exact commits and a watermark.

    app = faust.App("shopstream", broker="kafka://127.0.0.1:9092", **settings())
    transport = install(app)

    @app.agent(chunk_topic(app, "shop.orders"))
    async def orders(stream):
        async for delivery in deliveries(stream):
            await flusher.offer(delivery)  # calls delivery.ack() once it is durable

A commit is the end of the acknowledged prefix of a partition. `transport.progress()` says how far
each partition is done, and until which instant.
"""

from .book import Progress
from .chunk import Chunk
from .compat import TransportMismatch
from .config import settings
from .delivery import Delivery, deliveries
from .driver import ChunkTransport, chunk_topic, install
from .membership import Callback

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
