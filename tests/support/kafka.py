"""Records in and out by confluent-kafka: another client than the product's."""

import uuid
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from confluent_kafka import Consumer, KafkaException, Message, Producer, TopicPartition
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    ResourceType,
)

from support.events import Sent
from support.waiting import eventually

QUIET = {"log_level": 0, "socket.timeout.ms": 5000}


def alter(bootstrap: str, topic: str, kind: AlterConfigOpType, values: dict[str, str]) -> None:
    """Changes settings of a topic."""
    entries = [
        ConfigEntry(name, value, incremental_operation=kind) for name, value in values.items()
    ]
    wanted = ConfigResource(ResourceType.TOPIC, topic, incremental_configs=entries)
    admin = AdminClient({"bootstrap.servers": bootstrap})
    admin.incremental_alter_configs([wanted])[wanted].result(10)


class Place(NamedTuple):
    """Where the broker put a record; `timestamp` in ms as a reader gets it, -1 until it was read."""

    topic: str
    partition: int
    offset: int


class Read(NamedTuple):
    place: Place
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...] = ()


class Kafka:
    """One broker; opened anew after it was killed, for nothing that it knew is true then.

    `options` are more settings of its producer.
    """

    def __init__(self, bootstrap: str, options: dict[str, Any] | None = None) -> None:
        self._bootstrap = {"bootstrap.servers": bootstrap, **QUIET}
        self._transactional = False
        self._asking: dict[str, Consumer] = {}
        self._producer = Producer(
            {
                **self._bootstrap,
                "partitioner": "murmur2_random",
                "linger.ms": 5,
                "message.max.bytes": 4_000_000,
                "max.in.flight.requests.per.connection": 1,
                "queue.buffering.max.messages": 1_000_000,
                **(options or {}),
            }
        )

    def produce(
        self, records: Iterable[Sent], told: Callable[[Place], None], within: float = 60
    ) -> list[Place]:
        """Sends them in their order; returns once the broker has every one, where each is."""
        places: dict[int, Place] = {}
        faults: list[Any] = []
        count = 0
        for number, sent in enumerate(records):
            self._send(sent, lambda e, m, n=number: _note(n, e, m, places, faults, told))
            count += 1
        left = self._producer.flush(within)
        assert not left and not faults and len(places) == count, (left, faults[:3], len(places))
        return [places[number] for number in range(count)]

    def give_up(self) -> None:
        """What the broker has not confirmed yet fails at once, and is never sent again."""
        self._producer.purge()

    def transaction(
        self, records: Iterable[Sent], told: Callable[[Place], None], commit: bool = True
    ) -> list[Place]:
        """The same in one transaction, which is aborted unless `commit`; needs a `transactional.id`."""
        if not self._transactional:
            self._producer.init_transactions(30)
            self._transactional = True
        self._producer.begin_transaction()
        places = self.produce(records, told)
        if commit:
            self._producer.commit_transaction(30)
        else:
            self._producer.abort_transaction(30)
        return places

    def _send(self, sent: Sent, note: Callable[[Any, Message], None]) -> None:
        where = {} if sent.partition is None else {"partition": sent.partition}
        while True:
            try:
                self._producer.produce(
                    sent.topic,
                    sent.value,
                    sent.key,
                    on_delivery=note,
                    headers=list(sent.headers),
                    **where,
                )
            except BufferError:
                self._producer.poll(0.05)
            else:
                self._producer.poll(0)
                return

    def committed(
        self, group: str, places: Iterable[tuple[str, int]]
    ) -> dict[tuple[str, int], int]:
        """Committed offsets; -1001 where there is none. OSError while the broker does not say."""
        # asked again and again: a client for each answer would be most of the work
        if (consumer := self._asking.get(group)) is None:
            options = {"group.id": group, "enable.auto.commit": False}
            self._asking[group] = consumer = Consumer({**self._bootstrap, **options})
        try:
            found = consumer.committed([TopicPartition(*place) for place in places], timeout=3)
            return {(tp.topic, tp.partition): tp.offset for tp in found}
        except KafkaException as error:
            raise OSError(str(error)) from error

    def rewind(self, group: str, places: Iterable[tuple[str, int]]) -> None:
        """Sets the offsets of a group to the beginning once its last member is gone.

        The broker takes a member that was killed for alive until its session time-out.
        """
        consumer = Consumer({**self._bootstrap, "group.id": group, "enable.auto.commit": False})
        wanted = [TopicPartition(*place, 0) for place in places]

        def done() -> bool:
            try:
                consumer.commit(offsets=wanted, asynchronous=False)
            except KafkaException as error:
                raise OSError(str(error)) from error
            return True

        try:
            eventually(done, 60, f"no members in group {group}")
        finally:
            consumer.close()

    def read(self, ends: dict[tuple[str, int], int], within: float = 30) -> list[Read]:
        """Every record of these partitions before these offsets."""
        found: dict[Place, Read] = {}
        with _reader(self._bootstrap, ends) as consumer:

            def all_read() -> bool:
                for message in consumer.consume(5000, 0.2):
                    if message.error() is None:
                        read = _read(message)
                        found[read.place] = read
                last = dict.fromkeys(ends, 0)
                for place in found:
                    last[place[:2]] = max(last[place[:2]], place.offset + 1)
                return all(last[place] >= end for place, end in ends.items())

            eventually(all_read, within, f"records before {ends}", pause=0)
        return [read for place, read in sorted(found.items()) if place.offset < ends[place[:2]]]

    def whole(self, topic: str) -> list[Read]:
        """Every record of partition 0 that is there now, up to a mark that is written behind them."""
        mark = uuid.uuid4().bytes
        end = self.produce([Sent(None, mark, topic=topic, partition=0)], lambda _: None)[0]
        return [r for r in self.read({(topic, 0): end.offset + 1}) if len(r.value or b"") != 16]


class Follower:
    """Reads partition 0 of a topic from its beginning, whatever is new at each call."""

    def __init__(self, bootstrap: str, topic: str) -> None:
        options = {"group.id": f"reader-{uuid.uuid4()}", "enable.auto.commit": False}
        options |= {"auto.offset.reset": "earliest"}
        self._consumer = Consumer({"bootstrap.servers": bootstrap, **QUIET, **options})
        self._consumer.assign([TopicPartition(topic, 0, 0)])

    def new(self, seconds: float = 0.05) -> list[bytes]:
        """Values that came since the last call, within these seconds."""
        found = self._consumer.consume(1000, seconds)
        return [message.value() or b"" for message in found if message.error() is None]

    def close(self) -> None:
        self._consumer.close()


class _reader:
    def __init__(self, bootstrap: dict[str, Any], ends: Iterable[tuple[str, int]]) -> None:
        options = {"group.id": f"reader-{uuid.uuid4()}", "enable.auto.commit": False}
        options |= {"fetch.wait.max.ms": 50, "auto.offset.reset": "earliest"}
        self._consumer = Consumer({**bootstrap, **options})
        self._consumer.assign([TopicPartition(*place, 0) for place in ends])

    def __enter__(self) -> Consumer:
        return self._consumer

    def __exit__(self, *_: object) -> None:
        self._consumer.close()


def _note(
    number: int,
    error: Any,
    message: Message,
    places: dict[int, Place],
    faults: list[Any],
    told: Callable[[Place], None],
) -> None:
    if error is not None:
        faults.append(error)
        return
    place = Place(message.topic(), message.partition(), message.offset())
    places[number] = place
    told(place)


def _read(message: Message) -> Read:
    place = Place(message.topic(), message.partition(), message.offset())
    headers = tuple(message.headers() or ())
    return Read(place, message.timestamp()[1], message.key(), message.value(), headers)
