"""Feeds the hub and the freshness tracker with the records of the topics, in their order."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from aiokafka import ConsumerRecord, TopicPartition

from api.freshness.tracker import FreshnessTracker
from api.push.channel import Value
from api.push.fan_out import UNREADABLE
from api.push.hub import Hub
from api.push.records import is_big, log_unforeseen, parse_envelope, read_record, read_records
from api.push.runs import Run, known_shop, runs_of
from shopstream.contracts.cursor import Partition, Position
from shopstream.contracts.notices import PROGRESS, read_progress
from shopstream.contracts.reject import Unread
from shopstream.contracts.topics import NOTICES
from shopstream.record_batches import Damaged

log = logging.getLogger(__name__)

YIELD_SECONDS = 0.005
"""After so long the event loop is yielded to, so that connections can write."""
COLUMN_BYTES = 36 * 1024
"""Records of a topic for subscribers that have so many bytes together are checked as columns, in another thread; fewer
cost less one by one (docs/decisions/0021): some 4 ms, with yields between them."""
GONE = "Kafka does not have some events any more"


class RecordDispatcher:
    """`positions` are those behind the latest record of each partition, `live` the ends of the partitions as this
    process began to read."""

    def __init__(self, hub: Hub, tracker: FreshnessTracker) -> None:
        self.positions: dict[Partition, Position] = {}
        self.live: Mapping[Partition, Position] = {}
        self._hub = hub
        self._tracker = tracker

    async def dispatch(
        self, chunks: Mapping[TopicPartition, Sequence[ConsumerRecord[bytes, bytes]]]
    ) -> None:
        """Publishes records; other tasks run in between and while records are checked in another thread."""
        loop = asyncio.get_running_loop()
        next_yield = loop.time() + YIELD_SECONDS
        for runs in runs_of(chunks):
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

    async def _check(self, runs: Sequence[Run]) -> None:
        """Checks beside the event loop what would hold it up: single records that take long, and many that
        subscribers are to get at once. The records behind them wait; all others are left to the channels, and so is
        what fails here."""
        many: dict[str, list[tuple[Run, int]]] = {}
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
        before = self.positions[partition]
        position = self.positions[partition] = Position(before.epoch, record.offset + 1)
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
        position = Position(self.positions[partition].epoch, offset + 1)
        self.positions[partition] = position
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
        return known_shop(shop)

    def _is_replayed(self, partition: Partition, position: Position) -> bool:
        """Whether it was there before this process began to read."""
        live = self.live.get(partition)
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
