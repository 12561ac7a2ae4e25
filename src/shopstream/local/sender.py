"""Sends records to Kafka, bounded: at most `OUTSTANDING` records wait for their acknowledgement."""

import threading
from types import TracebackType
from typing import Any, Self

from kafka import KafkaProducer
from kafka.errors import KafkaError, MessageSizeTooLargeError

from shopstream.kafka import BrokerUnreachable, TopicAdmin, client_options
from shopstream.local.faults import LocalFault
from shopstream.local.routing import Record
from shopstream.settings import Settings

OUTSTANDING = 20_000
PATIENCE = 300.0
"""Seconds that a record may wait for a broker that is away."""


class NoSuchTopic(LocalFault):
    """The topic is not there; `str()` says what to do."""

    def __init__(self, topic: str) -> None:
        super().__init__(f"The topic {topic} does not exist: `shopstream migrate` creates ours.")


class Sender:
    """One kafka-python producer: crc32c, 20 ms linger, 256 KB batches, acknowledged by all.

    Idempotent where the settings say that the broker can; without, a retry may write a record
    twice, which changes no number. `last` is the place of the last acknowledged record as
    `topic:partition:offset`, `failed` the number of records given up after `PATIENCE`.

    Raises:
        BrokerUnreachable: at construction, when no broker answers.
    """

    def __init__(self, settings: Settings) -> None:
        self._admin = TopicAdmin(settings)
        self._known: set[str] = set()
        self._free = threading.Semaphore(OUTSTANDING)
        self._latest: Any = None
        self.sent = 0
        self.failed = 0
        self.failure = ""
        self._admin.partitions(["shop.orders"])
        try:
            self._producer = KafkaProducer(**_options(settings))
        except KafkaError as error:
            self._admin.close()
            raise BrokerUnreachable(settings.kafka_bootstrap, str(error)) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._producer.close(timeout=PATIENCE if kind is None else 2)
        self._admin.close()

    def send(self, record: Record) -> None:
        """Queues one record; waits while `OUTSTANDING` others are on their way.

        Raises:
            NoSuchTopic: the broker has no such topic.
            BrokerUnreachable: no broker answers within `PATIENCE`.
        """
        self._check(record.topic)
        self._free.acquire()
        try:
            future = self._producer.send(record.topic, record.value, record.key)
        except MessageSizeTooLargeError as error:
            self._free.release()
            raise LocalFault(f"A record for {record.topic} is too large for Kafka.") from error
        except KafkaError as error:
            self._free.release()
            raise BrokerUnreachable(self._address(), str(error)) from error
        self.sent += 1
        self._latest = future
        future.add_callback(self._acknowledged)
        future.add_errback(self._gave_up)

    def flush(self) -> None:
        """Waits until every record is acknowledged or given up.

        Raises:
            BrokerUnreachable: neither within `PATIENCE`.
        """
        try:
            self._producer.flush(timeout=PATIENCE)
        except KafkaError as error:
            raise BrokerUnreachable(self._address(), str(error)) from error

    @property
    def last(self) -> str | None:
        """`topic:partition:offset` of the record sent last, once `flush` has returned."""
        if self._latest is None or not self._latest.succeeded():
            return None
        place = self._latest.value
        return f"{place.topic}:{place.partition}:{place.offset}"

    def _check(self, topic: str) -> None:
        if topic in self._known:
            return
        if not self._admin.partitions([topic])[topic]:
            raise NoSuchTopic(topic)
        self._known.add(topic)

    def _acknowledged(self, place: Any) -> None:
        self._free.release()

    def _gave_up(self, error: Exception) -> None:
        self.failed += 1
        self.failure = str(error) or type(error).__name__
        self._free.release()

    def _address(self) -> str:
        return ", ".join(self._producer.config["bootstrap_servers"])


def _options(settings: Settings) -> dict[str, Any]:
    return {
        **client_options(settings),
        "acks": "all",
        "enable_idempotence": settings.kafka_idempotence,
        "allow_auto_create_topics": False,
        "linger_ms": 20,
        "batch_size": 256 * 1024,
        "max_request_size": 2 * 1024 * 1024,
        "delivery_timeout_ms": int(PATIENCE * 1000),
        "max_block_ms": int(PATIENCE * 1000),
        "bootstrap_timeout_ms": 5000,
        "metadata_max_age_ms": 10_000,
    }
