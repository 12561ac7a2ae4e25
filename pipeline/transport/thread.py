"""The consumer's own thread: aiokafka with our settings, its fetches reported, and a shutdown that ends.

The fetch responses carry the high watermark; ListOffsets would say the same, with an extra request.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import hashlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from aiokafka.protocol.fetch import FetchRequest
from aiokafka.structs import TopicPartition
from faust.transport.drivers import aiokafka as _driver
from faust.types import TP

from shopstream.contracts.envelope import MAX_HEADER_BYTES, header_bytes
from shopstream.contracts.json_text import MAX_BYTES
from shopstream.contracts.reject import Unread
from shopstream.fetch_protocol import FetchResponse, FetchSession, is_withheld, watermarks
from shopstream.fetch_wait import adapt_fetch_wait

from .bounded import ends_within
from .fetched import FetchedBytes
from .partitions import Sample

FETCH_MAX_WAIT_MS = 50
"""How long the broker may hold a fetch while records come; at rest longer (`fetch_wait`), which is how fresh the as-of
instant of a silent partition is. A fraction of the time from one batch of a topic to the next. Faust hard-codes 1,500.
"""
GATHER_BYTES = 256 * 1024
"""Under load a batch is far more than one response: twenty responses a second, or one for so many bytes. Each costs
some milliseconds, whatever is in it."""
FULL_SECONDS = 0.05
"""Where nothing may be fetched now it is asked again so soon."""
STOP_SECONDS = 5.0
"""aiokafka retries for ever while no broker answers, in a thread that keeps the process alive."""

Begun = Callable[[tuple[dict[TP, int], dict[TP, int]]], None]
"""Gets the offsets at which partitions begin after a seek, and those up to which records were taken meanwhile."""


Watermarks = dict[tuple[str, int], int]
"""High watermarks by topic and partition."""


class ChunkConsumerThread(_driver.AIOKafkaConsumerThread):  # type: ignore[misc]
    """Runs aiokafka's consumer and reports what it fetches to the app's loop, in order.

    Reports and results of calls travel to the app's loop the same way, so what happened first is
    reported first. Seeks run one after the other: one that overtakes another would leave some partitions where
    it went, and some where the other did.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._seeking = asyncio.Lock()

    def _create_worker_consumer(self, transport: Any) -> Any:
        consumer = super()._create_worker_consumer(transport)
        consumer._fetch_max_wait_ms = FETCH_MAX_WAIT_MS
        # Faust sets it only with exactly_once; without, aborted transactions are delivered.
        consumer._isolation_level = "read_committed"
        return consumer

    async def on_start(self) -> None:
        """Starts aiokafka's consumer; its fetches are reported before it can have a partition."""
        await super().on_start()
        adapt_fetch_wait(self._ensure_consumer(), GATHER_BYTES)
        fetcher = self._ensure_consumer()._fetcher
        states = self.consumer.states
        fetcher._client = WatchedClient(
            fetcher._client,
            fetcher._subscriptions,
            self.consumer.transport.instants.steady,
            lambda samples: self._report(states.fetched, samples),
            FetchedBytes(fetcher),
        )

    async def _fetch_records(self, *args: Any, **kwargs: Any) -> Any:
        records = await super()._fetch_records(*args, **kwargs)
        for run in records.values():
            _release_large(run)
        # No await since the position moved: no fetch from there can be reported before this.
        if ends := {TP(*tp): run[-1].offset + 1 for tp, run in records.items() if run}:
            self._report(self.consumer.states.taken, ends)
        return records

    async def seek_back(self, begun: Begun) -> Mapping[Any, int]:
        """Goes back to the committed offsets, or to the beginning where there is none; returns the committed ones."""
        found: Mapping[Any, int] = await self.call_thread(self._seek_back, begun)
        return found

    async def _seek_back(self, begun: Begun) -> Any:
        consumer = self._ensure_consumer()
        async with self._seeking:
            committed = await consumer.seek_to_committed()
            starts = {TP(*tp): offset for tp, offset in committed.items() if offset}
            # aiokafka leaves the position alone where nothing (or 0) is committed: records that were
            # taken and dropped in a rebalance would be skipped.
            if unset := [tp for tp, offset in committed.items() if not offset]:
                await consumer.seek_to_beginning(*unset)
            self._begin(begun, starts, unset)
        return committed

    def _begin(self, begun: Begun, starts: dict[TP, int], others: Iterable[Any]) -> None:
        """Reports where partitions begin; `others` at their present position.

        It travels as fetches do, so that none of a fetch from there can come before: who waits for the seek goes on
        later than that. What was already taken from behind a start is reported with it.
        """
        positions = {TP(*tp): self._position(tp) for tp in (*starts, *others)}
        begins = {tp: starts.get(tp, at) for tp, at in positions.items() if at is not None}
        taken = {tp: at for tp, at in positions.items() if at is not None and at > begins[tp]}
        self._report(begun, (begins, taken))

    def _position(self, tp: TP) -> int | None:
        """None where it is gone again, or sought anew."""
        subscription = self._ensure_consumer()._subscription.subscription
        assignment = subscription and subscription.assignment
        state = assignment and assignment.state_value(TopicPartition(*tp))
        return int(state.position) if state and state.has_valid_position else None

    async def _commit(self, offsets: Mapping[TP, int]) -> bool:
        # Thrown out of the group (frozen too long): the commit would go out as one of no member, which an
        # empty group accepts, although the offsets may be of another owner's time or of a log that is gone.
        if self._ensure_consumer()._coordinator.generation == _driver.DEFAULT_GENERATION_ID:
            return False
        return bool(await super()._commit(offsets))

    async def rewind(self, tps: Iterable[TP], begun: Begun) -> None:
        """Goes to the beginning of partitions, and reports that to `begun`."""
        await self.call_thread(self._rewind, [TopicPartition(*tp) for tp in tps], begun)

    async def _rewind(self, tps: list[TopicPartition], begun: Begun) -> None:
        async with self._seeking:
            await self._ensure_consumer().seek_to_beginning(*tps)
            self._begin(begun, {}, tps)

    def _report(self, report: Callable[[Any], None], what: Any) -> None:
        with contextlib.suppress(RuntimeError):  # the app's loop is closed
            self.parent_loop.call_soon_threadsafe(report, what)

    async def _shutdown_thread(self) -> None:
        if not await ends_within(STOP_SECONDS, super()._shutdown_thread()):
            self.log.warning("No answer from Kafka: consumer abandoned after %ss", STOP_SECONDS)
            self.set_shutdown()

    async def _gather_remaining_tasks(self) -> None:
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=1.0)


class WatchedClient:
    """aiokafka's client as its fetcher sees it: fetches in sessions (`fetch_protocol`), and reports each fetch: when it
    was sent, and the high watermarks then. `fetched` bounds them.

    Lives in the consumer's thread, and so does `report`.
    """

    def __init__(
        self,
        client: Any,
        subscriptions: Any,
        clock: Callable[[], float],
        report: Callable[[list[Sample]], None],
        fetched: FetchedBytes,
    ) -> None:
        self._client = client
        self._subscriptions = subscriptions
        self._clock = clock
        self._report = report
        self._fetched = fetched
        self._brokers: dict[int, KnownOfBroker] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    async def send(self, node_id: int, request: Any, **kwargs: Any) -> Any:
        """Sends a request; a fetch is reported when its response arrives."""
        if not isinstance(request, FetchRequest):
            return await self._client.send(node_id, request, **kwargs)
        known = self._brokers.setdefault(node_id, KnownOfBroker())
        offsets, most = self._fetched.bound(node_id, offsets_of(request))
        if not offsets:
            await asyncio.sleep(FULL_SECONDS)
            return FetchResponse(0, 0, 0, [])
        sent_at = self._clock()
        try:
            limits = request._max_wait_ms, request._min_bytes, partition_bytes(request), most
            fetch = known.session.fetch(offsets, *limits)
            response = await self._client.send(node_id, fetch, **kwargs)
        except BaseException:
            known.session.begin()
            raise
        finally:
            self._fetched.answered(node_id)
        known.take(response)
        if is_withheld(response):
            return response
        if current := self._current(offsets, sent_at, known.watermarks):
            self._report(current)
        return response

    def _current(
        self, offsets: Mapping[TopicPartition, int], sent_at: float, ends: Watermarks
    ) -> list[Sample]:
        """Samples of a fetch; a partition with an error gives none, nor does a position from before a seek or a
        rebalance: its response says nothing of this one."""
        subscription = self._subscriptions.subscription
        assignment = subscription and subscription.assignment
        if not assignment or not assignment.active:
            return []
        # Not the last stable offset, up to which read_committed reads: the records of an
        # open transaction have reached Kafka, and are not included until it ends.
        return [
            Sample(TP(*tp), sent_at, offset, end)
            for tp, offset in offsets.items()
            if (end := ends.get(tp)) is not None
            and (state := assignment.state_value(tp))
            and state.has_valid_position
            and state.position == offset
        ]


class KnownOfBroker:
    """The session of the fetches at a broker, and the high watermarks of its partitions."""

    def __init__(self) -> None:
        self.session = FetchSession()
        self.watermarks: Watermarks = {}
        """As the latest response leaves them; without those of partitions with an error."""

    def take(self, response: Any) -> None:
        """Takes a response to the session's latest fetch. A partition that was named anew is in it."""
        if not self.session.answered(response):
            self.watermarks.clear()
        for topic, partitions in response.topics:
            for partition, error, *_ in partitions:
                if error:
                    self.watermarks.pop((topic, partition), None)
        for topic, partition, watermark in watermarks(response):
            self.watermarks[topic, partition] = watermark


def offsets_of(request: FetchRequest) -> dict[TopicPartition, int]:
    """What a fetch of aiokafka asks for."""
    return {
        TopicPartition(topic, partition): offset
        for topic, partitions in request.topics
        for partition, offset, _ in partitions
    }


def partition_bytes(request: FetchRequest) -> int:
    """What a fetch of aiokafka asks for at most of each partition."""
    return max(int(most) for _, partitions in request.topics for *_, most in partitions)


def _release_large(records: list[Any]) -> None:
    """A dead letter of a record that is too large has its size and hash only, so its bytes need not wait in memory."""
    for i, record in enumerate(records):
        value = record.value
        if value is None:
            continue
        if len(value) > MAX_BYTES:
            why = f"the record has more than {MAX_BYTES} bytes"
        elif record.headers and header_bytes(record.headers) > MAX_HEADER_BYTES:
            why = f"the headers of the record have more than {MAX_HEADER_BYTES} bytes"
        else:
            continue
        stand = Unread(why, len(value), hashlib.sha256(value).hexdigest())
        records[i] = dataclasses.replace(record, value=stand, headers=())
