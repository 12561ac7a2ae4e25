"""Reads a topic from its beginning to the end that it has now, and stops, or goes on with what is new."""

import time
from collections.abc import Iterator
from typing import Any

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from shopstream.bounded_kafka_python import bound_kafka_python
from shopstream.broker import BrokerUnreachable, TopicAdmin, client_options
from shopstream.producer import NoSuchTopic
from shopstream.settings import Settings

POLL_MS = 200
SILENT_SECONDS = 10.0
"""Seconds without any answer after which the broker counts as away."""


def read_topic(settings: Settings, topic: str, *, follow: bool = False) -> Iterator[Any]:
    """Every record (kafka-python's) that the topic has now, in the order of each partition.

    With `follow` None comes after them, and then every record that is new, without end; a broker that goes away
    is waited for.

    Raises:
        NoSuchTopic: the broker does not have it.
        BrokerUnreachable: no broker answers, or it stopped answering before the end.
    """
    with TopicAdmin(settings) as admin:
        partitions = admin.partitions([topic])[topic]
    if not partitions:
        raise NoSuchTopic(topic)
    consumer = _connected(settings)
    try:
        assigned = [TopicPartition(topic, number) for number in range(partitions)]
        consumer.assign(assigned)
        later: list[Any] = []
        yield from _until_end(consumer, assigned, settings.kafka_bootstrap, later)
        if follow:
            yield None
            yield from later
            while True:
                for records in consumer.poll(POLL_MS).values():
                    yield from records
    finally:
        consumer.close()


def _until_end(consumer: Any, assigned: list[Any], address: str, later: list[Any]) -> Iterator[Any]:
    """Records from behind the end as it was go to `later`."""
    left = set(assigned)
    heard = time.monotonic()
    try:
        consumer.seek_to_beginning(*assigned)
        ends = consumer.end_offsets(assigned)
    except KafkaError as error:
        raise BrokerUnreachable(address, str(error)) from error
    while left:
        try:
            chunks = consumer.poll(POLL_MS)
            done = {
                partition for partition in left if _next(consumer, partition) >= ends[partition]
            }
        except KafkaError as error:
            raise BrokerUnreachable(address, str(error)) from error
        for partition, records in chunks.items():
            yield from (record for record in records if record.offset < ends[partition])
            later += (record for record in records if record.offset >= ends[partition])
        left -= done
        if chunks or done:
            heard = time.monotonic()
        elif time.monotonic() - heard > SILENT_SECONDS:
            raise BrokerUnreachable(address, f"it sent nothing for {SILENT_SECONDS:g} s")


def _next(consumer: Any, partition: Any) -> int:
    position = consumer.position(partition, timeout_ms=POLL_MS)
    return -1 if position is None else int(position)


def _connected(settings: Settings) -> Any:
    bound_kafka_python()
    try:
        return KafkaConsumer(
            **client_options(settings),
            enable_auto_commit=False,
            # the beginning, where retention has taken offset 0
            auto_offset_reset="earliest",
            fetch_max_wait_ms=100,
            max_partition_fetch_bytes=4 * 1024 * 1024,
            bootstrap_timeout_ms=5000,
        )
    except KafkaError as error:
        raise BrokerUnreachable(settings.kafka_bootstrap, str(error)) from error
