"""Reads every event topic once, from the live end on, and feeds the hub and the book of progress."""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError

from shopstream.api.progress import ProgressBook
from shopstream.api.push.hub import Hub
from shopstream.api.push.records import peek, read_record
from shopstream.api.topology import Look, Topology, partitions_of
from shopstream.contracts.cursor import Partition, Position
from shopstream.contracts.notices import PROGRESS, days_of, read_progress
from shopstream.contracts.topics import NOTICES
from shopstream.contracts.values import IDENTIFIER_LENGTH
from shopstream.fetch_wait import be_patient

log = logging.getLogger(__name__)

POLL_MS = 200
FETCH_WAIT_MS = 10
GATHER_BYTES = 32 * 1024
"""Under load records are taken a hundred times a second, or as often as there are so many: an answer for each record
would cost more than the record."""
SETTLE_SECONDS = 3.0
"""How long at most old records at the live end are told from new ones by their time."""
BREATH_SECONDS = 0.005
"""Between two chances for the connections to write."""
BACKOFF = (0.2, 5.0)
STOP_SECONDS = 0.5


class Source:
    """`options` connect an aiokafka client; `now` is Unix time in seconds."""

    def __init__(
        self,
        options: Mapping[str, Any],
        hub: Hub,
        book: ProgressBook,
        now: Callable[[], float],
    ) -> None:
        self._options = dict(options)
        self._hub = hub
        self._book = book
        self._started = now()
        self._positions: dict[Partition, Position] = {}
        self._topology: Topology | None = None
        self._fault: str | None = "Kafka has not answered yet."
        self._changed = asyncio.Event()
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
        self._book.see(found.topology)

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
            auto_offset_reset="earliest",
            isolation_level="read_committed",
            fetch_max_wait_ms=FETCH_WAIT_MS,
        )
        try:
            await consumer.start()
            be_patient(consumer, GATHER_BYTES)
            await self._assign(consumer, partitions_of(topology))
            await self._settle(consumer)
            while not self._changed.is_set():
                await self._take(await consumer.getmany(timeout_ms=POLL_MS))
        finally:
            await _stop(consumer)

    async def _assign(self, consumer: AIOKafkaConsumer, epochs: Mapping[Partition, int]) -> None:
        begin = {
            place: Position(epoch, 0)
            for place, epoch in epochs.items()
            if place not in self._positions or self._positions[place].epoch != epoch
        }
        if not self._begun:
            begin = await _live_end(consumer, begin)
        consumer.assign([TopicPartition(*place) for place in epochs])
        self._begin(begin, epochs)
        for place in epochs:
            consumer.seek(TopicPartition(*place), self._positions[place].next)

    def _begin(self, begin: Mapping[Partition, Position], epochs: Mapping[Partition, int]) -> None:
        self._book.changed()  # notices before this place may never be seen
        self._positions.update(begin)
        self._hub.begin({place: self._positions[place] for place in epochs})
        self._begun = True

    async def _settle(self, consumer: AIOKafkaConsumer) -> None:
        """Reads what lay at the live end before this process began."""
        loop = asyncio.get_running_loop()
        end = loop.time() + SETTLE_SECONDS
        while not self._settled and not self._changed.is_set():
            records = await consumer.getmany(timeout_ms=POLL_MS)
            await self._take(records)
            old = any(self._is_old(record) for chunk in records.values() for record in chunk)
            self._settled = not old or loop.time() > end
        self._hub.ready()

    async def _take(
        self, chunks: Mapping[TopicPartition, Sequence[ConsumerRecord[bytes, bytes]]]
    ) -> None:
        loop = asyncio.get_running_loop()
        breath = loop.time() + BREATH_SECONDS
        for partition, records in chunks.items():
            place = Partition(partition.topic, partition.partition)
            epoch = self._positions[place].epoch
            for record in records:
                if place.topic == NOTICES and record.offset != self._positions[place].next:
                    self._book.changed()
                position = Position(epoch, record.offset + 1)
                self._positions[place] = position
                self._one(record, place, position)
                if loop.time() > breath:
                    await asyncio.sleep(0)
                    breath = loop.time() + BREATH_SECONDS

    def _one(
        self, record: ConsumerRecord[bytes, bytes], place: Partition, position: Position
    ) -> None:
        seen = peek(record.value)
        if place.topic == NOTICES and seen is not None and seen.get("type") == PROGRESS:
            self._progress(seen)
            return
        shop = seen.get("shopid") if seen is not None else None
        if place.topic == NOTICES:
            if seen is not None and isinstance(shop, str):
                self._book.changed(shop, days_of(seen.get("data")))
            else:
                self._book.changed()
        if isinstance(shop, str) and not self._hub.listened(shop):
            if (
                len(shop) <= IDENTIFIER_LENGTH
            ):  # no shop has a longer name, and no room is made for it
                self._hub.passed(shop, place, position)
            return
        pushed = read_record(record.value, place.topic)
        if pushed is not None and (self._settled or not self._is_old(record)):
            self._hub.publish(pushed, place, position)

    def _progress(self, event: Mapping[str, Any]) -> None:
        try:
            self._book.observe(read_progress(event["data"]))
        except (AttributeError, KeyError, TypeError, ValueError):
            log.warning("a notice of progress could not be read")
            self._book.changed()  # whatever it touched

    def _is_old(self, record: ConsumerRecord[bytes, bytes]) -> bool:
        return bool(record.timestamp < self._started * 1000)


async def _live_end(
    consumer: AIOKafkaConsumer, begin: Mapping[Partition, Position]
) -> dict[Partition, Position]:
    ends = await consumer.end_offsets([TopicPartition(*place) for place in begin])
    return {
        place: Position(position.epoch, ends[TopicPartition(*place)])
        for place, position in begin.items()
    }


async def _stop(consumer: AIOKafkaConsumer) -> None:
    """Bounded: a broker that does not answer never holds up the end of the process."""
    await asyncio.wait({asyncio.ensure_future(consumer.stop())}, timeout=STOP_SECONDS)
