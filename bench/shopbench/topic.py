"""Our topics: made, filled, read again from their beginning."""

import time
from collections.abc import Iterable

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient

from shopstream.broker import TopicAdmin
from shopstream.contracts.topics import BY_NAME, INPUTS
from shopstream.settings import Settings

NEEDED = tuple(BY_NAME)
FLUSH_SECONDS = 60.0


class InUse(Exception):
    """The broker has topics of these names already."""

    def __init__(self, names: Iterable[str]) -> None:
        super().__init__(
            f"The broker has {', '.join(names)} already: the bench makes and deletes these topics,"
            " so give it a broker of its own."
        )


def make(settings: Settings) -> None:
    """The topics that the pipeline needs; raises `InUse` where one of them exists."""
    check(settings, NEEDED)
    with TopicAdmin(settings) as admin:
        admin.create_missing([BY_NAME[name] for name in NEEDED])


def check(settings: Settings, names: Iterable[str]) -> None:
    """Raises `InUse` where one of these topics exists."""
    with TopicAdmin(settings) as admin:
        found = [name for name, count in admin.partitions(names).items() if count]
    if found:
        raise InUse(found)


def remove(bootstrap: str, names: Iterable[str]) -> None:
    """Deletes these topics."""
    admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0})
    for future in admin.delete_topics([*names]).values():
        future.result(30)


def producer(bootstrap: str, linger_ms: float = 20) -> Producer:
    """Chooses partitions as Kafka's own clients do, and writes nothing twice, as the product's."""
    return Producer(
        {
            "bootstrap.servers": bootstrap,
            "partitioner": "murmur2_random",
            "linger.ms": linger_ms,
            "batch.size": 256 * 1024,
            "queue.buffering.max.messages": 200_000,
            "enable.idempotence": True,
            "log_level": 0,
        }
    )


def fill(bootstrap: str, events: Iterable[tuple[str, bytes, bytes]]) -> None:
    """With (topic, key, value) of each. Returns when the broker has them all; KafkaException where it has not."""
    sender = producer(bootstrap)
    faults: list[KafkaError] = []

    def told(error: KafkaError | None, _: object) -> None:
        if error is not None:
            faults.append(error)

    for name, key, value in events:
        _send(sender, name, key, value, told)
    if sender.flush(FLUSH_SECONDS) or faults:
        raise KafkaException(*faults[:1])


def _send(sender: Producer, name: str, key: bytes, value: bytes, told: object) -> None:
    while True:
        try:
            sender.produce(name, value, key, on_delivery=told)
        except BufferError:
            sender.poll(0.1)
        else:
            sender.poll(0)
            return


def rewind(bootstrap: str, group: str, partitions: int, within: float = 30.0) -> None:
    """Lets a group begin at the beginning; it must have no members, which is waited for."""
    places = [TopicPartition(name, n, 0) for name in INPUTS for n in range(partitions)]
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": group, "log_level": 0})
    end = time.monotonic() + within
    try:
        while True:
            try:
                consumer.commit(offsets=places, asynchronous=False)
                return
            except KafkaException:
                if time.monotonic() > end:
                    raise
                time.sleep(0.5)
    finally:
        consumer.close()
