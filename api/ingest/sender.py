"""Writes records to Kafka: idempotent, acknowledged by every in-sync replica, or reported as failed."""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from aiokafka.errors import KafkaError

from api.faults import NotYet
from api.freshness.topology import Topology
from shopstream.contracts.routing import Record
from shopstream.lazy_producer import LazyProducer

log = logging.getLogger(__name__)

WAIT_SECONDS = 10.0
STOP_SECONDS = 0.5
LINGER_MS = 2
BATCH_BYTES = 512 * 1024
"""Of one partition in one request; brokers take a mebibyte by default."""
BREATH_RECORDS = 200
"""Between two chances for other requests."""


class Stored(NamedTuple):
    """Where Kafka put a record."""

    topic: str
    partition: int
    offset: int


class Sends(Protocol):
    """Writes records to Kafka, or raises `NotYet`."""

    async def send(self, records: Sequence[Record], /) -> list[Stored]: ...


class NoSender:
    """Where there is no Kafka to write to."""

    async def send(self, records: Sequence[Record]) -> list[Stored]:
        """Raises `NotYet`."""
        raise NotYet("This process writes no events.")


@dataclass(frozen=True, slots=True)
class EventWriter:
    """Writes where Kafka serves and has the topics. `unavailable` gives the reason why it does not serve, None where
    it does; `topology` the topics as they are now."""

    sender: Sends
    unavailable: Callable[[], str | None]
    topology: Callable[[], Topology | None]

    async def write(self, records: Sequence[Record]) -> tuple[list[Stored], Topology]:
        """Where each record is, in their order, and the topics.

        Raises:
            NotYet: as the sender; Kafka does not serve, or a topic is missing.
        """
        topology = self.topology() or {}
        if (reason := self.unavailable()) is not None:
            raise NotYet(reason)
        for topic in {record.topic for record in records} - topology.keys():
            raise NotYet(f"The topic {topic} does not exist: `shopstream migrate` creates it.")
        return await self.sender.send(records), topology


class KafkaSender:
    """`options` connect an aiokafka client, which begins with the first record. What waits for a broker in the client
    is bounded by it: one batch for each partition."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        self._producer = LazyProducer(
            **options,
            acks="all",
            enable_idempotence=True,
            linger_ms=LINGER_MS,
            max_batch_size=BATCH_BYTES,
            request_timeout_ms=int(WAIT_SECONDS * 1000),
        )

    async def send(self, records: Sequence[Record]) -> list[Stored]:
        """Writes all of them; where each is, in their order.

        Raises:
            NotYet: Kafka has not confirmed them within `WAIT_SECONDS`. Some may be there, and the rest may follow.
        """
        producer = None
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                producer = await self._producer.started()
                futures = []
                for number, record in enumerate(records, 1):
                    futures.append(await producer.send(record.topic, record.value, record.key))
                    if number % BREATH_RECORDS == 0:
                        await asyncio.sleep(0)
                found = await asyncio.gather(*futures)
                return [Stored(each.topic, each.partition, each.offset) for each in found]
        except (KafkaError, OSError, TimeoutError) as error:
            self._producer.replace(producer)
            log.warning("events over HTTP were not confirmed (%s)", error or type(error).__name__)
            raise NotYet(
                "Kafka has not confirmed the events; some may be there. Send them again with the same ids."
            ) from None

    async def stop(self) -> None:
        """What was sent goes out, within bounds."""
        await self._producer.close(STOP_SECONDS)
