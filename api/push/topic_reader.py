"""Reads every event topic once, from a little before the live end on, and feeds the hub and the freshness tracker."""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError, OffsetOutOfRangeError

from api.freshness.topology import Look, Topology, partitions_of
from api.freshness.tracker import FreshnessTracker
from api.push.dispatcher import GONE, RecordDispatcher
from api.push.fetches import Fetches
from api.push.hub import Hub
from api.push.read_positions import SETTLE_SECONDS
from shopstream.contracts.cursor import Partition, Position

log = logging.getLogger(__name__)

POLL_SECONDS = 0.2
REPLAY_SECONDS = 120
REPLAY_RECORDS = 5_000
"""At most so much of each partition is read again at the start, so that a client whose stream ended with the former
process is replayed from memory."""
LOOK_SECONDS = 2.5
"""Longer than two intervals of the topology watch."""
BACKOFF = (0.2, 5.0)
STOP_SECONDS = 0.5


class TopicReader:
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
        self._dispatcher = RecordDispatcher(hub, tracker)
        self._topology: Topology | None = None
        self._fault: str | None = "Kafka has not answered yet."
        self._changed = asyncio.Event()
        self._begun = False
        self._settled = False

    def unavailable_reason(self) -> str | None:
        """Why the topics cannot be read now; None once they are."""
        if self._fault is None and not self._begun:
            return "The topics are not read yet."
        return self._fault

    def update_topology(self, found: Look) -> None:
        """Takes a look of the topology watch; reading starts anew where the topics differ."""
        if found.topology is None:
            if self._fault is None or self._topology is None:
                self._log_unavailable(found.fault)
            self._fault = found.fault
            return
        if found.topology != self._topology:
            self._topology = found.topology
            self._changed.set()
        if self._fault is not None:
            log.info("Kafka answers; reading %d topics", len(found.topology))
        self._fault = None
        self._tracker.see(found.topology)

    def _log_unavailable(self, fault: str | None) -> None:
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
        """Reads until the topics change."""
        if not topology:
            self._begin({}, {})
            self._settled = True
            self._hub.read.ready()
            await self._changed.wait()
            return
        consumer = AIOKafkaConsumer(
            **self._options,
            enable_auto_commit=False,
            auto_offset_reset="none",
            isolation_level="read_committed",
        )
        try:
            await consumer.start()
            fetches = await self._assign(consumer, partitions_of(topology))
            try:
                await self._settle(consumer, fetches)
                while not self._changed.is_set():
                    await self._poll(consumer, fetches)
            finally:
                await fetches.close()
        finally:
            await _stop(consumer)

    async def _poll(self, consumer: AIOKafkaConsumer, fetches: Fetches) -> None:
        try:
            chunks = await fetches.take(POLL_SECONDS)
        except OffsetOutOfRangeError as error:
            await self._recover_out_of_range(consumer, fetches, list(error.args[0]))
            return
        await self._dispatcher.dispatch(chunks)
        if not chunks:
            self._skip_control_records(fetches)

    async def _recover_out_of_range(
        self, consumer: AIOKafkaConsumer, fetches: Fetches, tps: Sequence[TopicPartition]
    ) -> None:
        """The position does not exist: the topic was recreated, which the watch notices within a second, or Kafka has
        deleted records that were not read yet; those are skipped, and streams are reset."""
        try:
            async with asyncio.timeout(LOOK_SECONDS):
                await self._changed.wait()
            return
        except TimeoutError:
            pass
        first = await consumer.beginning_offsets(tps)
        ends = await consumer.end_offsets(tps)
        for tp in tps:
            partition = Partition(tp.topic, tp.partition)
            known = self._dispatcher.positions[partition]
            at = Position(known.epoch, min(max(known.next, first[tp]), ends[tp]))
            log.error("records of %s from %d to %d are gone unread", partition, known.next, at.next)
            self._tracker.changed()
            self._dispatcher.positions[partition] = at
            self._hub.skip(partition, at, GONE)
            fetches.seek(tp, at.next)

    async def _assign(self, consumer: AIOKafkaConsumer, epochs: Mapping[Partition, int]) -> Fetches:
        begin = {
            partition: Position(epoch, 0)
            for partition, epoch in epochs.items()
            if partition not in self._dispatcher.positions
            or self._dispatcher.positions[partition].epoch != epoch
        }
        if not self._begun:
            begin, self._dispatcher.live = await self._start_and_end_offsets(consumer, begin)
        # the consumer itself fetches nothing: it connects, and knows offsets and leaders
        await consumer._client.set_topics({partition.topic for partition in epochs})
        self._begin(begin, epochs)
        offsets = {TopicPartition(*each): self._dispatcher.positions[each].next for each in epochs}
        return Fetches(consumer._client, offsets)

    def _begin(self, begin: Mapping[Partition, Position], epochs: Mapping[Partition, int]) -> None:
        self._tracker.changed()  # notices before these positions may never be read
        self._dispatcher.positions.update(begin)
        self._hub.begin({partition: self._dispatcher.positions[partition] for partition in epochs})
        self._begun = True

    async def _start_and_end_offsets(
        self, consumer: AIOKafkaConsumer, begin: Mapping[Partition, Position]
    ) -> tuple[dict[Partition, Position], dict[Partition, Position]]:
        """The positions from which each partition is read, and its end offset now."""
        tps = [TopicPartition(*partition) for partition in begin]
        since = int((self._clock() - REPLAY_SECONDS) * 1000)
        first = await consumer.beginning_offsets(tps)
        ends = await consumer.end_offsets(tps)
        recent = await consumer.offsets_for_times(dict.fromkeys(tps, since))
        starts, live = {}, {}
        for (partition, position), tp in zip(begin.items(), tps, strict=True):
            end = ends[tp]
            found = recent.get(tp)
            start = max(end if found is None else found.offset, end - REPLAY_RECORDS)
            starts[partition] = Position(position.epoch, max(start, first[tp]))
            live[partition] = Position(position.epoch, end)
        return starts, live

    async def _settle(self, consumer: AIOKafkaConsumer, fetches: Fetches) -> None:
        """Reads up to what was the live end when this process began, then lets streams begin."""
        loop = asyncio.get_running_loop()
        end = loop.time() + SETTLE_SECONDS
        while not self._settled and not self._changed.is_set():
            await self._poll(consumer, fetches)
            self._skip_control_records(fetches)
            self._settled = self._hub.read.includes(self._dispatcher.live) or loop.time() > end
        self._hub.read.ready()

    def _skip_control_records(self, fetches: Fetches) -> None:
        """Counts offsets without a record, such as the control records of transactions, as read."""
        for tp, offset in fetches.offsets.items():
            partition = Partition(tp.topic, tp.partition)
            at = Position(self._dispatcher.positions[partition].epoch, offset)
            if at.next > self._hub.read.positions[partition].next:
                self._hub.read.passed(partition, at)


async def _stop(consumer: AIOKafkaConsumer) -> None:
    """Bounded: a broker that does not answer never holds up the end of the process."""
    await asyncio.wait({asyncio.ensure_future(consumer.stop())}, timeout=STOP_SECONDS)
