"""Reads every event topic once, from a little before the live end on, and feeds the hub and the tracker of progress."""

import asyncio
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError, OffsetOutOfRangeError

from api.freshness.topology import Look, Topology, partitions_of
from api.freshness.tracker import FreshnessTracker
from api.push.channel import Value
from api.push.hub import Hub
from api.push.records import (
    event_of,
    is_big,
    parse_envelope,
    read_record,
    read_records,
    shop_of,
    too_much,
)
from shopstream.contracts.cursor import Partition, Position
from shopstream.contracts.notices import PROGRESS, days_of, read_progress
from shopstream.contracts.topics import NOTICES
from shopstream.contracts.values import IDENTIFIER_LENGTH
from shopstream.fetch_wait import adapt_fetch_wait

log = logging.getLogger(__name__)

POLL_MS, POLL_RECORDS = 200, 5000
FETCH_WAIT_MS = 20
GATHER_BYTES = 64 * 1024
"""Under load records are taken fifty times a second, or as often as there are so many: an answer names every partition,
so one for each record would cost far more than the record."""
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
CHUNK_RECORDS, CHUNK_BYTES = 500, 256 * 1024
"""So much is looked into at once, without a breath; it also bounds what checking as columns takes in memory."""
COLUMN_BYTES = 36 * 1024
"""Records of a topic for subscribers that have so many bytes together are checked as columns, in another thread; fewer
cost less one by one (docs/decisions/0021): some 4 ms, with breaths between them."""
BACKOFF = (0.2, 5.0)
STOP_SECONDS = 0.5


class _Run(NamedTuple):
    """Consecutive records of a partition, the shop that each names, and what is to be pushed of it."""

    place: Partition
    records: Sequence[ConsumerRecord[bytes, bytes]]
    shops: list[str | None]
    values: list[Value]


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
        for part in _parts(chunks):
            runs = [_run(partition, records) for partition, records in part]
            await self._check(runs)
            for run in runs:
                for record, shop, value in zip(run.records, run.shops, run.values, strict=True):
                    self._one(record, run.place, shop, value)
                    if loop.time() > breath:
                        await asyncio.sleep(0)
                        breath = loop.time() + BREATH_SECONDS

    async def _check(self, runs: Sequence[_Run]) -> None:
        """Checks beside the event loop what would hold it up: single records that take long, and many that
        subscribers are to get at once. The records behind them wait; all others are left to the channels."""
        many: dict[str, list[tuple[_Run, int]]] = {}
        for run in runs:
            if run.place.topic == NOTICES:
                continue
            for i, (record, shop) in enumerate(zip(run.records, run.shops, strict=True)):
                if shop is None:
                    continue
                if is_big(record.value):
                    run.values[i] = await asyncio.to_thread(
                        read_record, record.value, run.place.topic, record.timestamp // 1000
                    )
                elif self._hub.has_subscribers(shop):
                    many.setdefault(run.place.topic, []).append((run, i))
        for topic, wanted in many.items():
            values = [run.records[i].value for run, i in wanted]
            if sum(len(value or b"") for value in values) < COLUMN_BYTES:
                continue
            arrived = [run.records[i].timestamp // 1000 for run, i in wanted]
            checked = await asyncio.to_thread(read_records, values, topic, arrived)
            for (run, i), event in zip(wanted, checked, strict=True):
                run.values[i] = event

    def _one(
        self,
        record: ConsumerRecord[bytes, bytes],
        place: Partition,
        shop: str | None,
        value: Value,
    ) -> None:
        before = self._positions[place]
        position = self._positions[place] = Position(before.epoch, record.offset + 1)
        if place.topic == NOTICES:
            if record.offset != before.next:
                self._tracker.changed()
            shop = self._notice(record, replayed=self._is_replayed(place, position))
        if shop is not None:
            self._hub.publish(shop, place, position, record.timestamp // 1000, value)
        self._hub.passed(place, position)

    def _notice(self, record: ConsumerRecord[bytes, bytes], *, replayed: bool) -> str | None:
        """The shop of a notice; None where it is for this process alone."""
        seen = parse_envelope(record.value)
        if seen is not None and seen.get("type") == PROGRESS:
            self._progress(seen, replayed=replayed)
            return None
        shop = seen.get("shopid") if seen is not None else None
        if seen is None or not isinstance(shop, str):
            self._tracker.changed()
            return None
        self._tracker.changed(shop, days_of(seen.get("data")))
        return _known(shop)

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


def _parts(
    chunks: Mapping[TopicPartition, Sequence[ConsumerRecord[bytes, bytes]]],
) -> Iterator[list[tuple[TopicPartition, Sequence[ConsumerRecord[bytes, bytes]]]]]:
    """What was polled, in order, cut so that each part has at most `CHUNK_RECORDS`, and one record beyond
    `CHUNK_BYTES`."""
    part, count, size = [], 0, 0
    for partition, records in chunks.items():
        begin = 0
        for end, record in enumerate(records, 1):
            count += 1
            size += len(record.value or b"")
            if count >= CHUNK_RECORDS or size > CHUNK_BYTES:
                part.append((partition, records[begin:end]))
                yield part
                part, count, size, begin = [], 0, 0, end
        if begin < len(records):
            part.append((partition, records[begin:]))
    if part:
        yield part


def _run(partition: TopicPartition, found: Sequence[ConsumerRecord[bytes, bytes]]) -> _Run:
    place = Partition(partition.topic, partition.partition)
    records = [_opened(record) if record.headers else record for record in found]
    values: list[Value] = [record.value for record in records]
    if place.topic == NOTICES:  # those are read one by one: what the pipeline says has no bound
        return _Run(place, records, [None] * len(values), values)
    return _Run(place, records, [_shop(record.value) for record in records], values)


def _opened(record: ConsumerRecord[bytes, bytes]) -> ConsumerRecord[bytes, bytes]:
    """With its event in structured mode as the value."""
    return replace(record, value=event_of(record.value, record.headers))


def _shop(value: bytes | None) -> str | None:
    """What shops write is bounded: beyond it a record is refused unread."""
    return None if not value or too_much(value) else _known(shop_of(value))


def _known(shop: str | None) -> str | None:
    """No shop has a longer name, and no channel is made for one."""
    return shop if shop and len(shop) <= IDENTIFIER_LENGTH else None


async def _stop(consumer: AIOKafkaConsumer) -> None:
    """Bounded: a broker that does not answer never holds up the end of the process."""
    await asyncio.wait({asyncio.ensure_future(consumer.stop())}, timeout=STOP_SECONDS)
