"""What the pipeline publishes on Kafka: each message is awaited, none is sent and forgotten."""

import asyncio
from typing import Any, NamedTuple, Protocol

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from shopstream.broker import BrokerUnreachable, async_options
from shopstream.contracts.topics import DEADLETTERS
from shopstream.settings import Settings

MAX_REQUEST = 2 * 1024 * 1024
BATCH_BYTES = 512 * 1024
"""Bytes of one partition in one request. Thousands of bad records a second must not wait for as many round trips;
brokers take a mebibyte by default."""


Message = tuple[bytes | None, bytes]
"""Key and value."""


class Sent(NamedTuple):
    """Where the broker stored a message; `timestamp` as it keeps it, in milliseconds."""

    partition: int
    offset: int
    timestamp: int


class EventPublisher(Protocol):
    """Publishes messages in order; raises `BrokerUnreachable`. `StoringPublisher` implements it."""

    async def notices(self, messages: list[Message], /) -> object: ...

    async def alerts(self, messages: list[Message], /) -> object: ...


class Producer:
    """Starts with the first message; every method raises `BrokerUnreachable` where the broker has not got it
    within 10 s."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._starting = asyncio.Lock()
        self._producer: AIOKafkaProducer | None = None

    async def send(self, topic: str, messages: list[Message]) -> list[Sent]:
        """Sends to a topic, in order; returns where each message is stored."""
        try:
            producer = await self._started()
            futures = [await producer.send(topic, value, key) for key, value in messages]
            found = await asyncio.gather(*futures)
            return [Sent(each.partition, each.offset, each.timestamp) for each in found]
        except (KafkaError, OSError) as error:
            await self.close()  # one that met a fatal error would never recover
            raise BrokerUnreachable(self._settings.kafka_bootstrap, str(error)) from error

    async def dead_letters(self, events: list[bytes]) -> None:
        """Sends to `shop.deadletters`, in order."""
        await self.send(DEADLETTERS, [(None, event) for event in events])

    async def close(self) -> None:
        """Sends what is left, for a second at most."""
        producer, self._producer = self._producer, None
        if producer:
            stop = asyncio.ensure_future(producer.stop())
            await asyncio.wait({stop}, timeout=1)

    async def _started(self) -> AIOKafkaProducer:
        async with self._starting:
            if self._producer is None:
                producer = AIOKafkaProducer(**self._options())
                try:
                    await producer.start()
                except BaseException:
                    await producer.stop()
                    raise
                self._producer = producer
        return self._producer

    def _options(self) -> dict[str, Any]:
        return {
            **async_options(self._settings),
            "acks": "all",
            "enable_idempotence": True,
            "max_request_size": MAX_REQUEST,
            "max_batch_size": BATCH_BYTES,
            "request_timeout_ms": 10_000,
        }
