"""Hands records to kafka-python, bounded, and never forgets one that was given up."""

import contextlib
import threading
from functools import partial
from typing import Any

from kafka import KafkaProducer
from kafka.errors import KafkaError

from shopstream.broker import BrokerUnreachable, TopicAdmin, client_options
from shopstream.contracts.envelope import header_bytes
from shopstream.contracts.routing import Record
from shopstream.contracts.topics import INPUTS
from shopstream.producer.delivery import InFlightLimit, Sent, reason
from shopstream.producer.errors import NoSuchTopic, NotDelivered
from shopstream.settings import Settings

MOST_BYTES = 64 * 1024 * 1024
"""On their way at once."""
LINGER_MS = 20
REQUEST_MS = 30_000
LAST_SECONDS = 2.0
"""For the client's thread to end."""


class RecordSender:
    """One kafka-python producer: idempotent, crc32c, 20 ms linger, 256 KB batches, acknowledged by all. Thread-safe;
    `ShopProducer` is one that knows events.

    `patience`: seconds that a record may wait for a broker that is away; `outstanding`: records that
    may wait at once.

    Raises:
        BrokerUnreachable: at construction, when no broker answers.
    """

    def __init__(self, settings: Settings, patience: float, outstanding: int) -> None:
        self._patience = patience
        self._in_flight = InFlightLimit(outstanding, MOST_BYTES)
        self._admin = TopicAdmin(settings)
        self._closing = threading.Lock()
        self._closed = False
        try:
            found = self._admin.partitions(INPUTS)
            self._known = {topic for topic, partitions in found.items() if partitions}
            self._kafka: Any = KafkaProducer(**_options(settings, patience))
        except KafkaError as error:
            raise BrokerUnreachable(settings.kafka_bootstrap, reason(error)) from error
        finally:
            # opened again where a topic is asked for that was not there
            self._admin.close()

    @property
    def failed(self) -> int:
        """Records given up that neither `flush` nor `close` has reported yet."""
        return self._in_flight.failed

    def _send_bytes(self, record: Record) -> Sent:
        """Queues a record; waits while too many others are on their way.

        Raises:
            NoSuchTopic: the broker has no such topic.
            NotDelivered: there was no room or no broker for `patience` seconds, or it is too large.
        """
        if self._closed:
            raise RuntimeError("the producer is closed")
        self._check(record.topic)
        size = len(record.value) + len(record.key or b"") + header_bytes(record.headers)
        if not self._in_flight.enter(size, self._patience):
            raise NotDelivered(1, f"no room among those on their way for {self._patience:g} s")
        try:
            # the client sends no header without a value: such a one goes with an empty one
            headers = [(name, value or b"") for name, value in record.headers]
            future = self._kafka.send(record.topic, record.value, record.key, headers=headers)
        except KafkaError as error:
            self._in_flight.leave(size)
            raise NotDelivered(1, reason(error)) from error
        except BaseException:
            self._in_flight.leave(size)
            raise
        future.add_callback(lambda _: self._in_flight.leave(size))
        future.add_errback(partial(self._in_flight.leave, size))
        return Sent(future)

    def flush(self, timeout: float | None = None) -> None:
        """Waits until Kafka has everything that was sent, or has given it up; `timeout` None: as long as that takes.

        Raises:
            NotDelivered: how many were given up since the last report, or are still on their way after `timeout`
                seconds, and why.
        """
        seconds = self._patience + LAST_SECONDS if timeout is None else timeout
        waiting = 0
        try:
            self._kafka.flush(seconds)
        except KafkaError:
            waiting = self._in_flight.records
        failed, why = self._in_flight.take_failed()
        if failed or waiting:
            raise NotDelivered(failed + waiting, why if failed else f"no answer in {seconds:g} s")

    def close(self, timeout: float | None = None) -> None:
        """Flushes and ends; what is not acknowledged by then is given up. The second call does nothing.

        Raises:
            NotDelivered: as `flush`.
        """
        with self._closing:
            if self._closed:
                return
            self._closed = True
        try:
            self.flush(timeout)
        finally:
            self._end()

    def _end(self) -> None:
        if self._in_flight.records:
            # close() alone would wait for what is given up here
            self._kafka._sender.force_close()
            self._kafka._sender.join(LAST_SECONDS)
        with contextlib.suppress(KafkaError):
            self._kafka.close(timeout=LAST_SECONDS)
        self._admin.close()

    def _check(self, topic: str) -> None:
        if topic in self._known:
            return
        if not self._admin.partitions([topic])[topic]:
            raise NoSuchTopic(topic)
        self._known.add(topic)


def _options(settings: Settings, patience: float) -> dict[str, Any]:
    limit = int(patience * 1000)
    return {
        **client_options(settings),
        "acks": "all",
        "enable_idempotence": True,
        "allow_auto_create_topics": False,
        "linger_ms": LINGER_MS,
        "batch_size": 256 * 1024,
        "max_request_size": 2 * 1024 * 1024,
        "delivery_timeout_ms": limit,
        "max_block_ms": limit,
        "request_timeout_ms": min(REQUEST_MS, limit - LINGER_MS),
        "reconnect_backoff_max_ms": 2000,
        "bootstrap_timeout_ms": 5000,
        "metadata_max_age_ms": 10_000,
    }
