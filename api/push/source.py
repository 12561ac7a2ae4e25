"""Reads every event topic once, from a little before the live end on, and feeds the hub and the tracker of progress."""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError, OffsetOutOfRangeError

from api.freshness.topology import Look, Topology, partitions_of
from api.freshness.tracker import FreshnessTracker
from api.push.channel import Value
from api.push.hub import Hub
from api.push.records import is_big, parse_envelope, read_record, too_much
from shopstream.contracts.cursor import Partition, Position
from shopstream.contracts.notices import PROGRESS, days_of, read_progress
from shopstream.contracts.topics import NOTICES
from shopstream.contracts.values import IDENTIFIER_LENGTH
from shopstream.fetch_wait import adapt_fetch_wait

log = logging.getLogger(__name__)

POLL_MS, POLL_RECORDS = 200, 5000
FETCH_WAIT_MS = 10
GATHER_BYTES = 32 * 1024
"""Under load records are taken a hundred times a second, or as often as there are so many: an answer for each record
would cost more than the record."""
BACK_SECONDS = 120
BACK_RECORDS = 5_000
"""How much of each partition is read again at the start, at most: who lost a stream with the process before this one
goes on from memory."""
SETTLE_SECONDS = 10.0
"""How long streams wait for that, at most."""
LOOK_SECONDS = 2.5
"""More than two looks at the topics."""
BREATH_SECONDS = 0.005
"""Between two chances for the connections to write."""
BACKOFF = (0.2, 5.0)
STOP_SECONDS = 0.5


class Source:
    """`options` connect an aiokafka client; `clock` is Unix time in seconds."""

    def __init__(
        self,
        options: Mapping[str, Any],
        hub: Hub,
        tracker: FreshnessTracker,
        clock: Callable[[], float],
    ) -> None:
        self._options = dict(options)
        self._hub = hub
        self._tracker = tracker
        self._clock = clock
        self._positions: dict[Partition, Position] = {}
        self._topology: Topology | None = None
        self._fault: str | None = "Kafka has not answered yet."
        self._changed = asyncio.Event()
        self._live: Mapping[Partition, Position] = {}
        self._begun = False
        self._settled = False

    def trouble(self) -> str | None:
        """Why the topics cannot be read now; None once they are."""
        if self._fault is None and not self._begun:
            return "The topics are not read yet."
        return self._fault

    def see(self, found: Look) -> None:
        """Takes what the watch found."""
        if found.topology is None:
            if self._fault is None or self._topology is None:
                self._say_down(found.fault)
            self._fault = found.fault
            return
        if found.topology != self._topology:
            self._topology = found.topology
            self._changed.set()
        if self._fault is not None:
            log.info("Kafka answers; reading %d topics", len(found.topology))
        self._fault = None
        self._tracker.see(found.topology)

    def _say_down(self, fault: str | None) -> None:
        if fault != self._fault:
            log.warning("%s No events are pushed until it does.", fault)

    async def run(self) -> None:
        """Reads for ever; a broker that fails is waited for."""
        wait = BACKOFF[0]
        while True:
            await self._changed.wait()
            self._changed.clear()
            try:
                await self._read(self._topology or {})
                wait = BACKOFF[0]
            except (KafkaError, OSError, TimeoutError) as error:
                log.warning("reading from Kafka was interrupted (%s); again in %.1f s", error, wait)
                await asyncio.sleep(wait)
                wait = min(wait * 2, BACKOFF[1])
                self._changed.set()

    async def _read(self, topology: Topology) -> None:
        """Until the topics change."""
        if not topology:
            self._begin({}, {})
            self._settled = True
            self._hub.ready()
            await self._changed.wait()
            return
        consumer = AIOKafkaConsumer(
            **self._options,
            enable_auto_commit=False,
            auto_offset_reset="none",
            isolation_level="read_committed",
            fetch_max_wait_ms=FETCH_WAIT_MS,
        )
        try:
            await consumer.start()
            adapt_fetch_wait(consumer, GATHER_BYTES)
            await self._assign(consumer, partitions_of(topology))
            await self._settle(consumer)
            while not self._changed.is_set():
                await self._go_on(consumer)
        finally:
            await _stop(consumer)

    async def _go_on(self, consumer: AIOKafkaConsumer) -> None:
        try:
            chunks = await consumer.getmany(timeout_ms=POLL_MS, max_records=POLL_RECORDS)
        except OffsetOutOfRangeError as error:
            await self._look_for(consumer, list(error.args[0]))
            return
        await self._take(chunks)
        if not chunks:
            await self._pass_marks(consumer)

    async def _look_for(
        self, consumer: AIOKafkaConsumer, partitions: Sequence[TopicPartition]
    ) -> None:
        """The place where the reading was does not exist: the topic was made again, which the watch sees within a
        second, or Kafka has deleted what was not read yet."""
        try:
            async with asyncio.timeout(LOOK_SECONDS):
                await self._changed.wait()
            return
        except TimeoutError:
            pass
        first = await consumer.beginning_offsets(partitions)
        ends = await consumer.end_offsets(partitions)
        for partition in partitions:
            place = Partition(partition.topic, partition.partition)
            known = self._positions[place]
            at = Position(known.epoch, min(max(known.next, first[partition]), ends[partition]))
            log.error("records of %s from %d to %d are gone unread", place, known.next, at.next)
            self._tracker.changed()
            self._positions[place] = at
            self._hub.skip(place, at)
            consumer.seek(partition, at.next)

    async def _assign(self, consumer: AIOKafkaConsumer, epochs: Mapping[Partition, int]) -> None:
        begin = {
            place: Position(epoch, 0)
            for place, epoch in epochs.items()
            if place not in self._positions or self._positions[place].epoch != epoch
        }
        if not self._begun:
            begin, self._live = await self._places(consumer, begin)
        consumer.assign([TopicPartition(*place) for place in epochs])
        self._begin(begin, epochs)
        for place in epochs:
            consumer.seek(TopicPartition(*place), self._positions[place].next)

    def _begin(self, begin: Mapping[Partition, Position], epochs: Mapping[Partition, int]) -> None:
        self._tracker.changed()  # notices before this place may never be seen
        self._positions.update(begin)
        self._hub.begin({place: self._positions[place] for place in epochs})
        self._begun = True

    async def _places(
        self, consumer: AIOKafkaConsumer, begin: Mapping[Partition, Position]
    ) -> tuple[dict[Partition, Position], dict[Partition, Position]]:
        """Where the reading begins, and where the live end was."""
        partitions = [TopicPartition(*place) for place in begin]
        since = int((self._clock() - BACK_SECONDS) * 1000)
        first = await consumer.beginning_offsets(partitions)
        ends = await consumer.end_offsets(partitions)
        recent = await consumer.offsets_for_times(dict.fromkeys(partitions, since))
        starts, live = {}, {}
        for (place, position), partition in zip(begin.items(), partitions, strict=True):
            end = ends[partition]
            found = recent.get(partition)
            start = max(end if found is None else found.offset, end - BACK_RECORDS)
            starts[place] = Position(position.epoch, max(start, first[partition]))
            live[place] = Position(position.epoch, end)
        return starts, live

    async def _settle(self, consumer: AIOKafkaConsumer) -> None:
        """Reads up to what was the live end when this process began."""
        loop = asyncio.get_running_loop()
        end = loop.time() + SETTLE_SECONDS
        while not self._settled and not self._changed.is_set():
            await self._go_on(consumer)
            await self._pass_marks(consumer)
            self._settled = self._hub.has_read(self._live) or loop.time() > end
        self._hub.ready()

    async def _pass_marks(self, consumer: AIOKafkaConsumer) -> None:
        """Offsets without a record for us, such as the marks of transactions, are behind us too."""
        for partition in consumer.assignment():
            place = Partition(partition.topic, partition.partition)
            at = Position(self._positions[place].epoch, await consumer.position(partition))
            if at.next > self._hub.read[place].next:
                self._hub.passed(place, at)

    async def _take(
        self, chunks: Mapping[TopicPartition, Sequence[ConsumerRecord[bytes, bytes]]]
    ) -> None:
        loop = asyncio.get_running_loop()
        breath = loop.time() + BREATH_SECONDS
        for partition, records in chunks.items():
            place = Partition(partition.topic, partition.partition)
            epoch = self._positions[place].epoch
            for record in records:
                value = await _checked(record.value, place.topic, record.timestamp // 1000)
                if place.topic == NOTICES and record.offset != self._positions[place].next:
                    self._tracker.changed()
                position = Position(epoch, record.offset + 1)
                self._positions[place] = position
                self._one(record, place, position, value)
                self._hub.passed(place, position)
                if loop.time() > breath:
                    await asyncio.sleep(0)
                    breath = loop.time() + BREATH_SECONDS

    def _one(
        self,
        record: ConsumerRecord[bytes, bytes],
        place: Partition,
        position: Position,
        value: Value,
    ) -> None:
        seen = parse_envelope(record.value) if _is_read(record.value, place.topic) else None
        if place.topic == NOTICES and seen is not None and seen.get("type") == PROGRESS:
            self._progress(seen, replayed=self._is_replayed(place, position))
            return
        shop = seen.get("shopid") if seen is not None else None
        if place.topic == NOTICES:
            if seen is not None and isinstance(shop, str):
                self._tracker.changed(shop, days_of(seen.get("data")))
            else:
                self._tracker.changed()
        # no shop has a longer name, and no channel is made for one
        if isinstance(shop, str) and 0 < len(shop) <= IDENTIFIER_LENGTH:
            self._hub.publish(shop, place, position, record.timestamp // 1000, value)

    def _is_replayed(self, place: Partition, position: Position) -> bool:
        """Whether it was there before this process began to read."""
        live = self._live.get(place)
        return live is not None and live.epoch == position.epoch and position.next <= live.next

    def _progress(self, event: Mapping[str, Any], *, replayed: bool) -> None:
        try:
            state = read_progress(event["data"], event.get("time"))
            self._tracker.observe(state, replayed=replayed)
        except (AttributeError, KeyError, TypeError, ValueError):
            log.warning("a notice of progress could not be read")
            self._tracker.changed()  # whatever it touched


def _is_read(value: bytes | None, topic: str) -> bool:
    """What shops write is bounded, what the pipeline says is as large as it has partitions."""
    return topic == NOTICES or value is None or not too_much(value)


async def _checked(value: bytes | None, topic: str, arrived: int) -> Value:
    """A record that takes long to check is checked beside the event loop; the records behind it wait."""
    if value is None or topic == NOTICES or not is_big(value):
        return value
    return await asyncio.to_thread(read_record, value, topic, arrived)


async def _stop(consumer: AIOKafkaConsumer) -> None:
    """Bounded: a broker that does not answer never holds up the end of the process."""
    await asyncio.wait({asyncio.ensure_future(consumer.stop())}, timeout=STOP_SECONDS)
