"""An aiokafka producer that starts with its first record."""

import asyncio
from typing import Any

from aiokafka import AIOKafkaProducer

END_SECONDS = 10.0
"""A broker that is away would be waited for without end."""


class LazyProducer:
    """`options` are those of the producer. After a fatal error one never recovers: without a `running` one the next
    record starts another."""

    def __init__(self, **options: Any) -> None:
        self._options = options
        self._starting = asyncio.Lock()
        self.running: AIOKafkaProducer | None = None

    async def started(self) -> AIOKafkaProducer:
        """The producer; raises as its start, of which nothing is left then."""
        async with self._starting:
            if self.running is None:
                producer = AIOKafkaProducer(**self._options)
                try:
                    await producer.start()
                except BaseException:
                    await end(producer)
                    raise
                self.running = producer
            return self.running

    async def close(self, seconds: float) -> None:
        """Sends what is left, in this time."""
        producer, self.running = self.running, None
        if producer is not None:
            await end(producer, seconds)


async def end(producer: AIOKafkaProducer, seconds: float = END_SECONDS) -> None:
    """Sends what is left, in this time, and ends."""
    ending = asyncio.ensure_future(producer.stop())
    await asyncio.wait({ending}, timeout=seconds)
    if not ending.done():
        ending.cancel()
