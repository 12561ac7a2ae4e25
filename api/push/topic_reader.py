"""Reads every event topic once, from a little before the live end on, and feeds the hub and the freshness tracker."""

import asyncio
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError, OffsetOutOfRangeError

from api.freshness.topology import Look, Topology, partitions_of
from api.freshness.tracker import FreshnessTracker
from api.push.channel import Value
from api.push.delivery import UNREADABLE
from api.push.fetches import Fetches
from api.push.hub import Hub
from api.push.records import (
    event_of,
    is_big,
    log_unforeseen,
    parse_envelope,
    read_record,
    read_records,
    shop_of,
    too_much,
)
from shopstream.contracts.cursor import Partition, Position
from shopstream.contracts.notices import PROGRESS, read_progress
from shopstream.contracts.reject import Unread
from shopstream.contracts.topics import NOTICES
from shopstream.contracts.values import IDENTIFIER_LENGTH
from shopstream.record_batches import Damaged

log = logging.getLogger(__name__)

POLL_SECONDS = 0.2
REPLAY_SECONDS = 120
REPLAY_RECORDS = 5_000
"""At most so much of each partition is read again at the start, so that a client whose stream ended with the former
process is replayed from memory."""
SETTLE_SECONDS = 10.0
"""How long streams wait for that, at most."""
LOOK_SECONDS = 2.5
"""Longer than two intervals of the topology watch."""
YIELD_SECONDS = 0.005
"""After so long the event loop is yielded to, so that connections can write."""
CHUNK_RECORDS, CHUNK_BYTES = 500, 256 * 1024
"""So much is searched for shops without a yield; it also bounds what checking as columns takes in memory."""
COLUMN_BYTES = 36 * 1024
"""Records of a topic for subscribers that have so many bytes together are checked as columns, in another thread; fewer
cost less one by one (docs/decisions/0021): some 4 ms, with yields between them."""
BACKOFF = (0.2, 5.0)
STOP_SECONDS = 0.5
GONE = "Kafka does not have some events any more"


class _Structured(NamedTuple):
    """A record with its event in structured mode as the value."""

    offset: int
    timestamp: int
    value: bytes | None


class _Run(NamedTuple):
    """Consecutive records of a partition, the shop that each names, and what is to be pushed of it. `failed`: what a
    record raised, by offset."""

    partition: Partition
    records: Sequence[ConsumerRecord[bytes, bytes]]
    shops: list[str | None]
    values: list[Value]
    failed: Mapping[int, Exception] = {}


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
        self._positions: dict[Partition, Position] = {}
        self._topology: Topology | None = None
        self._fault: str | None = "Kafka has not answered yet."
        self._changed = asyncio.Event()
        self._live: Mapping[Partition, Position] = {}
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
        await self._dispatch(chunks)
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
            known = self._positions[partition]
            at = Position(known.epoch, min(max(known.next, first[tp]), ends[tp]))
            log.error("records of %s from %d to %d are gone unread", partition, known.next, at.next)
            self._tracker.changed()
            self._positions[partition] = at
            self._hub.skip(partition, at, GONE)
            fetches.seek(tp, at.next)

    async def _assign(self, consumer: AIOKafkaConsumer, epochs: Mapping[Partition, int]) -> Fetches:
        begin = {
            partition: Position(epoch, 0)
            for partition, epoch in epochs.items()
            if partition not in self._positions or self._positions[partition].epoch != epoch
        }
        if not self._begun:
            begin, self._live = await self._start_and_end_offsets(consumer, begin)
        # the consumer itself fetches nothing: it connects, and knows offsets and leaders
        await consumer._client.set_topics({partition.topic for partition in epochs})
        self._begin(begin, epochs)
        offsets = {TopicPartition(*each): self._positions[each].next for each in epochs}
        return Fetches(consumer._client, offsets)

    def _begin(self, begin: Mapping[Partition, Position], epochs: Mapping[Partition, int]) -> None:
        self._tracker.changed()  # notices before these positions may never be read
        self._positions.update(begin)
        self._hub.begin({partition: self._positions[partition] for partition in epochs})
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
            self._settled = self._hub.read.includes(self._live) or loop.time() > end
        self._hub.read.ready()

    def _skip_control_records(self, fetches: Fetches) -> None:
        """Counts offsets without a record, such as the control records of transactions, as read."""
        for tp, offset in fetches.offsets.items():
            partition = Partition(tp.topic, tp.partition)
            at = Position(self._positions[partition].epoch, offset)
            if at.next > self._hub.read.positions[partition].next:
                self._hub.read.passed(partition, at)

    async def _dispatch(
        self, chunks: Mapping[TopicPartition, Sequence[ConsumerRecord[bytes, bytes]]]
    ) -> None:
        loop = asyncio.get_running_loop()
        next_yield = loop.time() + YIELD_SECONDS
        for part in _parts(chunks):
            runs = [_run(Partition(*tp), records) for tp, records in part]
            await self._check(runs)
            for run in runs:
                for record, shop, value in zip(run.records, run.shops, run.values, strict=True):
                    try:
                        if run.failed and (error := run.failed.get(record.offset)):
                            raise error
                        self._handle_record(record, run.partition, shop, value)
                    except Exception as error:
                        self._skip(run.partition, record.offset, error)
                    if loop.time() > next_yield:
                        await asyncio.sleep(0)
                        next_yield = loop.time() + YIELD_SECONDS

    async def _check(self, runs: Sequence[_Run]) -> None:
        """Checks beside the event loop what would hold it up: single records that take long, and many that
        subscribers are to get at once. The records behind them wait; all others are left to the channels, and so is
        what fails here."""
        many: dict[str, list[tuple[_Run, int]]] = {}
        for run in runs:
            if run.partition.topic == NOTICES:
                continue
            for i, (record, shop) in enumerate(zip(run.records, run.shops, strict=True)):
                if shop is None:
                    continue
                if is_big(record.value):
                    with suppress(Exception):
                        run.values[i] = await asyncio.to_thread(
                            read_record,
                            record.value,
                            run.partition.topic,
                            record.timestamp // 1000,
                            self._hub.words.maps,
                        )
                elif self._hub.has_subscribers(shop):
                    many.setdefault(run.partition.topic, []).append((run, i))
        for topic, wanted in many.items():
            values = [run.records[i].value for run, i in wanted]
            if sum(len(value or b"") for value in values) < COLUMN_BYTES:
                continue
            arrived = [run.records[i].timestamp // 1000 for run, i in wanted]
            with suppress(Exception):
                checked = await asyncio.to_thread(
                    read_records, values, topic, arrived, self._hub.words.maps
                )
                for (run, i), event in zip(wanted, checked, strict=True):
                    run.values[i] = event

    def _handle_record(
        self,
        record: ConsumerRecord[bytes, bytes],
        partition: Partition,
        shop: str | None,
        value: Value,
    ) -> None:
        before = self._positions[partition]
        position = self._positions[partition] = Position(before.epoch, record.offset + 1)
        if partition.topic == NOTICES:
            if record.offset != before.next:
                self._tracker.changed()
            shop = self._notice(record, replayed=self._is_replayed(partition, position))
        if not record.value and isinstance(record.value, Unread):
            self._hub.counts.skipped += record.value.records
            if isinstance(record.value, Damaged):
                self._hub.skip(partition, position, GONE)
        if shop is not None:
            self._hub.publish(shop, partition, position, record.timestamp // 1000, value)
        self._hub.read.passed(partition, position)

    def _skip(self, partition: Partition, offset: int, error: Exception) -> None:
        """Goes on behind a record that failed; whose it is may not be known, so all streams are told."""
        log_unforeseen(partition, offset, error)
        self._hub.counts.skipped += 1
        if partition.topic == NOTICES:
            self._tracker.changed()
        position = Position(self._positions[partition].epoch, offset + 1)
        self._positions[partition] = position
        self._hub.skip(partition, position, UNREADABLE)

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
        self._tracker.changed(shop)
        return _known(shop)

    def _is_replayed(self, partition: Partition, position: Position) -> bool:
        """Whether it was there before this process began to read."""
        live = self._live.get(partition)
        return live is not None and live.epoch == position.epoch and position.next <= live.next

    def _progress(self, event: Mapping[str, Any], *, replayed: bool) -> None:
        try:
            state = read_progress(event["data"], event.get("time"))
            self._tracker.observe(state, replayed=replayed)
            if state.changed is None or None in state.changed.values():
                self._hub.words.refresh()  # settings may have changed
        except (AttributeError, KeyError, TypeError, ValueError):
            log.warning("a notice of progress could not be read")
            self._tracker.changed()  # it may have named any shop


def _parts(
    chunks: Mapping[TopicPartition, Sequence[ConsumerRecord[bytes, bytes]]],
) -> Iterator[list[tuple[TopicPartition, Sequence[ConsumerRecord[bytes, bytes]]]]]:
    """What was polled, in order, cut so that each part has at most `CHUNK_RECORDS`, and one record beyond
    `CHUNK_BYTES`."""
    part, count, size = [], 0, 0
    for tp, records in chunks.items():
        begin = 0
        for end, record in enumerate(records, 1):
            count += 1
            size += len(record.value or b"")
            if count >= CHUNK_RECORDS or size > CHUNK_BYTES:
                part.append((tp, records[begin:end]))
                yield part
                part, count, size, begin = [], 0, 0, end
        if begin < len(records):
            part.append((tp, records[begin:]))
    if part:
        yield part


def _run(partition: Partition, found: Sequence[ConsumerRecord[bytes, bytes]]) -> _Run:
    try:
        return _look(partition, found)
    except Exception:
        return _look_one_by_one(partition, found)


def _look_one_by_one(partition: Partition, found: Sequence[ConsumerRecord[bytes, bytes]]) -> _Run:
    """The same, where one of them fails."""
    failed: dict[int, Exception] = {}
    runs = []
    for record in found:
        try:
            runs.append(_look(partition, [record]))
        except Exception as error:
            failed[record.offset] = error
            nothing = _Structured(record.offset, record.timestamp, None)
            runs.append(_Run(partition, [nothing], [None], [None]))
    return _Run(
        partition,
        [run.records[0] for run in runs],
        [run.shops[0] for run in runs],
        [run.values[0] for run in runs],
        failed,
    )


def _look(partition: Partition, found: Sequence[ConsumerRecord[bytes, bytes]]) -> _Run:
    records = [
        _Structured(record.offset, record.timestamp, event_of(record.value, record.headers))
        if record.headers
        else record
        for record in found
    ]
    values: list[Value] = [record.value for record in records]
    if partition.topic == NOTICES:  # those are read one by one: what the pipeline says has no bound
        return _Run(partition, records, [None] * len(values), values)
    return _Run(partition, records, [_shop(record.value) for record in records], values)


def _shop(value: bytes | None) -> str | None:
    """What shops write is bounded: beyond it a record is refused unread."""
    return None if not value or too_much(value) else _known(shop_of(value))


def _known(shop: str | None) -> str | None:
    """No shop has a longer name, and no channel is made for one."""
    return shop if shop and len(shop) <= IDENTIFIER_LENGTH else None


async def _stop(consumer: AIOKafkaConsumer) -> None:
    """Bounded: a broker that does not answer never holds up the end of the process."""
    await asyncio.wait({asyncio.ensure_future(consumer.stop())}, timeout=STOP_SECONDS)
