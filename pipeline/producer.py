"""What the pipeline publishes on Kafka: each message is awaited, none is sent and forgotten."""

import asyncio
from typing import NamedTuple, Protocol

from aiokafka.errors import KafkaError

from shopstream.broker import BrokerUnreachable, client_options
from shopstream.contracts.topics import DEADLETTERS
from shopstream.lazy_producer import LazyProducer
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
    """Starts with the first message; every method raises `BrokerUnreachable` where the broker does not acknowledge, for
    some 10 s as a rule."""

    def __init__(self, settings: Settings) -> None:
        self._address = settings.kafka_bootstrap
        self._producer = LazyProducer(
            **client_options(settings),
            acks="all",
            enable_idempotence=True,
            max_request_size=MAX_REQUEST,
            max_batch_size=BATCH_BYTES,
            request_timeout_ms=10_000,
        )

    async def send(self, topic: str, messages: list[Message]) -> list[Sent]:
        """Sends to a topic, in order; returns where each message is stored."""
        producer = None
        try:
            producer = await self._producer.started()
            futures = [await producer.send(topic, value, key) for key, value in messages]
            found = await asyncio.gather(*futures)
            return [Sent(each.partition, each.offset, each.timestamp) for each in found]
        except (KafkaError, OSError) as error:
            self._producer.replace(producer)
            raise BrokerUnreachable(self._address, str(error)) from error

    async def dead_letters(self, events: list[bytes]) -> None:
        """Sends to `shop.deadletters`, in order."""
        await self.send(DEADLETTERS, [(None, event) for event in events])

    async def close(self) -> None:
        """Sends what is left, for a second at most."""
        await self._producer.close(1)
