"""Faust's consumer with chunks for messages and exact commits, which end also without a broker."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from functools import partial
from time import monotonic
from typing import Any

from faust.exceptions import ImproperlyConfigured
from faust.transport.drivers import aiokafka as _driver
from faust.types import TP

from .bounded import ends_within
from .chunk import MAX_CHUNK, MAX_CHUNK_BYTES, Chunk, ChunkMessage, chunks
from .membership import Membership
from .partitions import PartitionState, PartitionStates
from .thread import ChunkConsumerThread

COMMIT_SECONDS = 5.0
"""How long one commit may take while stopping or giving up partitions."""
DRAIN_SHARE = 0.6
"""How long a rebalance or a stop waits for deliveries that are with the sink, as a share of the
session time-out: aiokafka sends no heartbeat meanwhile."""

SETTLE_SECONDS = 0.05
"""How often it looks whether the sink is done with them."""
HELD_SECONDS = 0.02
"""How long a fetch may wait for records while a partition is held."""

Run = tuple[TP, PartitionState, Iterator[Chunk]]
Taken = tuple[TP, PartitionState, Chunk]


class ExactCommits(_driver.Consumer):  # type: ignore[misc]
    """Commits the end of the acknowledged prefix of each partition, as `states` has it.

    The base class keeps lists of acknowledged offsets and of gaps between them; they stay empty.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.states = PartitionStates()
        self._uncommitted_starts: set[TP] = set()
        self._commit_stuck = False
        super().__init__(*args, **kwargs)

    async def _add_gap(self, tp: TP, offset_from: int, offset_to: int) -> None:
        """Does nothing: commits follow the order of delivery, not consecutive numbers."""

    def _filter_tps_with_pending_acks(self, topics: Any = None) -> list[TP]:
        return [tp for tp in self.states if topics is None or tp in topics or tp.topic in topics]

    def _new_offset(self, tp: TP) -> int | None:
        for acked in (self._acked.get(tp), self._acked_index.get(tp)):
            if acked:
                acked.clear()
        return self.states.uncommitted(tp)

    def _should_commit(self, tp: TP, offset: int) -> bool:
        # The base class compares with the offset it tried last, also when that commit failed.
        return True

    async def _commit(self, offsets: Mapping[TP, int]) -> bool:
        confirmed = bool(await super()._commit(offsets))
        if confirmed:
            self.states.committed(offsets)
            self._uncommitted_starts.difference_update(offsets)
        return confirmed

    async def commit_and_end_transactions(self) -> None:
        """Commits what is acknowledged, giving up after `COMMIT_SECONDS`."""
        await self._commit_within(COMMIT_SECONDS)

    async def _commit_within(self, seconds: float) -> None:
        if self._commit_stuck:  # no broker: do not wait the full time again and again
            seconds = min(seconds, 0.5)
        work = self.commit(start_new_transaction=False)
        self._commit_stuck = not await ends_within(max(0.1, seconds), work)
        if self._commit_stuck:
            self.log.warning(
                "commit not confirmed within %.1f s; its records will be read again", seconds
            )


class ChunkConsumer(ExactCommits):
    """Hands out chunks, and keeps the states of assigned partitions over rebalances and seeks."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._buffer_space = asyncio.Event()
        self.held: set[TP] = set()
        """Partitions that are not read on."""
        self._seeks = 0
        super().__init__(*args, **kwargs)
        self._read_offset = _NoReadOffset()
        self._drain_seconds = DRAIN_SHARE * self.app.conf.broker_session_timeout
        self._membership = Membership(self.add_future)

    def _new_consumer_thread(self) -> ChunkConsumerThread:
        return ChunkConsumerThread(self, loop=self.loop, beacon=self.beacon)

    async def subscribe(self, topics: Iterable[str]) -> None:
        """Subscribes; every topic must have been made by `chunk_topic`."""
        names = set(topics)
        if plain := names - self.transport.chunk_topics:
            raise ImproperlyConfigured(f"not made by chunk_topic(): {', '.join(sorted(plain))}")
        await super().subscribe(names)

    # Delivery

    async def getmany(self, timeout: float) -> AsyncIterator[tuple[TP, ChunkMessage]]:
        """Fetches once and yields the chunks of each topic, one of each partition in turn; at least one a message, and
        more as long as they are no more than one may be."""
        if not await self._membership.ready(timeout):
            return
        records, _ = await self._wait_next_records(timeout)
        if records is None or self.should_stop:
            return
        states = {TP(*tp): self.states.get(TP(*tp)) for tp in records}
        # A rebalance may have come and gone during the fetch: these can be records of the new
        # assignment, whose callbacks still run.
        while True:
            if not self.flow_active or self._outdated(states):
                await self._seek_back()
                return
            if await self._membership.ready(timeout):
                break
            if self.should_stop:
                return
        generation = self.app.consumer_generation_id
        # Of each topic always the same: its buffer is full for all partitions or for none.
        first = {tp.topic: tp for tp in sorted(self.states, reverse=True)}
        for group in _grouped(self._in_turn(records, states)):
            if not self.flow_active or self.app.consumer_generation_id != generation:
                return
            parts = [
                (chunk, state.deliver(chunk.next))
                for tp, state, chunk in group
                if self.states.get(tp) is state
            ]
            if parts:
                tp = first[parts[0][0].topic]
                yield tp, ChunkMessage(parts, tp, generation)

    def _in_turn(
        self, records: Mapping[Any, list[Any]], states: Mapping[TP, PartitionState | None]
    ) -> Iterator[Taken]:
        runs: deque[Run] = deque()
        for kafka_tp, run in records.items():
            tp = TP(kafka_tp.topic, kafka_tp.partition)
            if run and (state := states[tp]):
                runs.append((tp, state, chunks(tp, run)))
        while runs:
            tp, state, parts = runs.popleft()
            if chunk := next(parts, None):
                runs.append((tp, state, parts))
                yield tp, state, chunk

    def _outdated(self, states: Mapping[TP, PartitionState | None]) -> bool:
        # A seek was under way when these records came, or came while they waited: they may lie
        # before or behind it.
        moved = {
            tp for tp, state in states.items() if not state or self.states.get(tp) is not state
        }
        return bool(moved and moved & self.assignment())

    async def _seek_back(self) -> None:
        # The records in hand are dropped, so the position must go back.
        try:
            await self.perform_seek()
        except Exception as error:
            self.log.warning("seek to the committed offsets failed: %r", error)

    # Back-pressure: the base class sleeps a second when every buffer is full

    def on_buffer_full(self, tp: TP) -> None:
        """The buffer of a topic is full: none of its partitions is read."""
        for each in self.states:
            if each.topic == tp.topic:
                super().on_buffer_full(each)

    def on_buffer_drop(self, tp: TP) -> None:
        """It has space again: wakes the fetch that waits for that."""
        for each in [each for each in self._buffered_partitions if each.topic == tp.topic]:
            super().on_buffer_drop(each)
        self._buffer_space.set()

    def hold(self, tp: TP, held: bool) -> None:
        """Reads no more of a partition, or goes on, while the others are read."""
        if held:
            self.held.add(tp)
        elif tp in self.held:
            self.held.discard(tp)
            self._buffer_space.set()

    async def _wait_next_records(self, timeout: float) -> tuple[Any, Any]:
        stopped = self._buffered_partitions or self.held
        if self.flow_active and stopped and not self._readable():
            self._buffer_space.clear()
            await self.wait_first(self._buffer_space.wait(), self.suspend_flow.wait(), timeout=1.0)
            if not self._readable():
                return None, None
        result: tuple[Any, Any] = await super()._wait_next_records(timeout)
        return result

    def _readable(self) -> set[TP]:
        return set(self._get_active_partitions()) - self.held

    async def _getmany(self, active_partitions: set[TP] | None, timeout: float) -> Any:
        # A partition that is held may be resumed soon, and this call does not return for it.
        if active_partitions and self.held:
            active_partitions, timeout = active_partitions - self.held, HELD_SECONDS
            if not active_partitions:
                return {}
        return await super()._getmany(active_partitions, timeout)

    async def verify_all_partitions_active(self) -> None:
        """Does nothing: the base class only logs here, and crashes the worker while a position is reset.

        A partition that stands still is seen in `progress`.
        """

    # Assignments, seeks and the end

    @property
    def ready(self) -> bool:
        """Whether there is an assignment and its callbacks have ended."""
        return self._membership.settled

    async def on_partitions_assigned(self, assigned: set[TP], generation_id: int = 0) -> None:
        """Begins new states, starts the callbacks, then lets Faust resume."""
        self.states.open(dict.fromkeys(assigned))
        if not self.app.should_stop:
            await self._membership.arrived(assigned, self.transport.assigned_callbacks)
        await super().on_partitions_assigned(assigned, generation_id)

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Waits for the sink and commits (in the base class), then forgets the partitions.

        The base class empties its own lists before its last commit; `states` outlives that.
        """
        await super().on_partitions_revoked(revoked)
        await self._leave()
        self._forget(revoked)
        self._uncommitted_starts -= revoked

    async def perform_seek(self) -> None:
        """Goes back to the committed offsets: what was delivered and not committed comes again."""
        self._seeks += 1
        latest = self._seeks
        self._forget(list(self.states))
        # those whose beginning was not committed when the committed offsets were asked for
        uncommitted = set(self._uncommitted_starts)

        def begun(where: tuple[dict[TP, int], dict[TP, int]]) -> None:
            if latest == self._seeks:  # else a later one is under way, and moves the position again
                self._begun(where)

        committed = await self._thread.seek_back(begun)
        if latest != self._seeks:
            return
        if stale := uncommitted & set(committed):
            await self.rewind(stale)

    async def rewind(self, tps: set[TP]) -> None:
        """Goes to the beginning, and commits that: the log is another one than before."""
        self._forget(tps)
        await self.maybe_wait_for_commit_to_finish()
        # From here on a commit of them is one of the new log.
        self._uncommitted_starts |= tps
        await self._thread.rewind(tps, partial(self._begun, commit_start=True))

    def _begun(
        self, where: tuple[dict[TP, int], dict[TP, int]], commit_start: bool = False
    ) -> None:
        starts, taken = where
        self.states.open(starts, commit_start)
        self.states.taken(taken)

    async def seek(self, partition: TP, offset: int) -> None:
        """Goes to an offset: what was delivered of this partition is forgotten."""
        await super().seek(partition, offset)
        self.states.open({partition: offset})

    async def wait_empty(self) -> None:
        """Calls back, waits for deliveries that are with the sink, and commits.

        Ends after a share of the session time-out, whatever the sink does: what is not
        acknowledged comes again.
        """
        deadline = monotonic() + self._drain_seconds
        await self._leave()
        while not self.should_stop and monotonic() < deadline:
            await self._commit_within(min(COMMIT_SECONDS, deadline - monotonic()))
            self._clean_unacked_messages()
            if not self._unacked_messages:
                break
            await asyncio.sleep(SETTLE_SECONDS)
        self._clean_unacked_messages()
        if self._unacked_messages:
            self.log.warning(
                "%d chunks not acknowledged; they will be read again", len(self._unacked_messages)
            )
        await self.commit_and_end_transactions()

    def _clean_unacked_messages(self) -> None:
        # also what the sink has dropped: Faust holds the last message of each stream until the next comes
        self._unacked_messages -= {m for m in self._unacked_messages if m.settled}

    async def _leave(self) -> None:
        calls = self._membership.leaving(self.transport.revoked_callbacks)
        if not await ends_within(self._drain_seconds, calls):
            self.log.warning("on_revoked callbacks did not end within %.1f s", self._drain_seconds)

    def _forget(self, tps: Iterable[TP]) -> None:
        gone = set(tps)
        self.states.close(gone)
        self.held -= gone
        for known in (self._acked, self._acked_index, self._gap):
            for tp in gone:
                known.pop(tp, None)
        # The sink may hold what it got of them for long: no later drain waits for that.
        self._unacked_messages -= {m for m in self._unacked_messages if gone & m.tps}


def _grouped(taken: Iterable[Taken]) -> Iterator[list[Taken]]:
    """By topic, in the order in which they come; a group is no larger than a chunk may be."""
    groups: dict[str, list[Taken]] = {}
    for one in taken:
        topic, chunk = one[0].topic, one[2]
        group = groups.setdefault(topic, [])
        if group and not _fits(group, chunk):
            yield group
            group = groups[topic] = []
        group.append(one)
    yield from groups.values()


def _fits(group: list[Taken], chunk: Chunk) -> bool:
    chunks = [chunk, *(one for _, _, one in group)]
    return sum(map(len, chunks)) <= MAX_CHUNK and sum(c.size for c in chunks) <= MAX_CHUNK_BYTES


class _NoReadOffset(dict[TP, int | None]):
    """Faust's note of the last offset read by partition, which never knows it.

    Faust drops messages with an offset below the last one. After a seek back or on a recreated log that would be all
    of them; which messages are stale is known by their `PartitionState`.
    """

    def __getitem__(self, tp: TP) -> None:
        return None
