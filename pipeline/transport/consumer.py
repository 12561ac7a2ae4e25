"""Faust's consumer with one message per chunk and exact commits."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from functools import partial
from time import monotonic
from typing import Any

from faust.exceptions import ImproperlyConfigured
from faust.types import TP

from .book import Book
from .bounded import ends_within
from .chunk import Chunk, chunks
from .commits import COMMIT_SECONDS, ExactCommits
from .membership import Membership
from .message import ChunkMessage, Unguarded
from .thread import ChunkConsumerThread

DRAIN_SHARE = 0.6
"""How long a rebalance or a stop waits for deliveries that are with the sink, as a share of the
session time-out: aiokafka sends no heartbeat meanwhile."""

Run = tuple[TP, Book, Iterator[Chunk]]


class ChunkConsumer(ExactCommits):
    """Hands out chunks, and keeps the books of the partitions that come, go and are sought in."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._room = asyncio.Event()
        self._seeks = 0
        super().__init__(*args, **kwargs)
        self._read_offset = Unguarded()
        self._drain_seconds = DRAIN_SHARE * self.app.conf.broker_session_timeout
        self._membership = Membership(self.add_future)

    def _new_consumer_thread(self) -> ChunkConsumerThread:
        return ChunkConsumerThread(self, loop=self.loop, beacon=self.beacon)

    async def subscribe(self, topics: Iterable[str]) -> None:
        """Subscribe; every topic must have been made by `chunk_topic`."""
        names = set(topics)
        if plain := names - self.transport.chunk_topics:
            raise ImproperlyConfigured(f"not made by chunk_topic(): {', '.join(sorted(plain))}")
        await super().subscribe(names)

    # Delivery

    async def getmany(self, timeout: float) -> AsyncIterator[tuple[TP, ChunkMessage]]:
        """Fetch once and yield chunks, one of each partition in turn."""
        if not await self._membership.ready(timeout):
            return
        records, _ = await self._wait_next_records(timeout)
        if records is None or self.should_stop:
            return
        books = {TP(*tp): self.books.get(TP(*tp)) for tp in records}
        # A rebalance may have come and gone during the fetch: these can be records of the new
        # assignment, whose callbacks still run.
        while True:
            if not self.flow_active or self._outdated(books):
                await self._seek_back()
                return
            if await self._membership.ready(timeout):
                break
            if self.should_stop:
                return
        generation = self.app.consumer_generation_id
        for tp, book, chunk in self._in_turn(records, books):
            if not self.flow_active or self.app.consumer_generation_id != generation:
                return
            if self.books.get(tp) is book:
                ticket = book.deliver(chunk.next)
                yield tp, ChunkMessage(ticket, chunk, tp, generation)

    def _in_turn(
        self, records: Mapping[Any, list[Any]], books: Mapping[TP, Book | None]
    ) -> Iterator[tuple[TP, Book, Chunk]]:
        runs: deque[Run] = deque()
        for kafka_tp, run in records.items():
            tp = TP(kafka_tp.topic, kafka_tp.partition)
            if run and (book := books[tp]):
                runs.append((tp, book, chunks(tp, run)))
        while runs:
            tp, book, parts = runs.popleft()
            if chunk := next(parts, None):
                runs.append((tp, book, parts))
                yield tp, book, chunk

    def _outdated(self, books: Mapping[TP, Book | None]) -> bool:
        # A seek was under way when these records came, or came while they waited: they may lie
        # before or behind it.
        assigned = self.assignment()
        return any(
            tp in assigned and (book is None or self.books.get(tp) is not book)
            for tp, book in books.items()
        )

    async def _seek_back(self) -> None:
        # The records in hand are dropped, so the position must go back.
        try:
            await self.perform_seek()
        except Exception as error:
            self.log.warning("Seek to the committed offsets failed: %r", error)

    # Back-pressure: the base class sleeps a second when every buffer is full

    def on_buffer_drop(self, tp: TP) -> None:
        """There is room again."""
        super().on_buffer_drop(tp)
        self._room.set()

    async def _wait_next_records(self, timeout: float) -> tuple[Any, Any]:
        if self.flow_active and self._buffered_partitions and not self._get_active_partitions():
            self._room.clear()
            await self.wait_first(self._room.wait(), self.suspend_flow.wait(), timeout=1.0)
            if not self._get_active_partitions():
                return None, None
        result: tuple[Any, Any] = await super()._wait_next_records(timeout)
        return result

    def verify_event_path(self, now: float, tp: TP) -> None:
        """Nothing: the base class only logs here, and crashes the worker while a position is reset.

        A partition that stands still is seen in `progress`.
        """

    # Assignments, seeks and the end

    @property
    def ready(self) -> bool:
        """Whether there is an assignment and its callbacks have ended."""
        return self._membership.settled

    async def on_partitions_assigned(self, assigned: set[TP], generation_id: int = 0) -> None:
        """Begin new books, tell the callbacks, then let Faust resume."""
        self.books.open(dict.fromkeys(assigned))
        if not self.app.should_stop:
            await self._membership.arrived(assigned, self.transport.assigned_callbacks)
        await super().on_partitions_assigned(assigned, generation_id)

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Wait for the sink and commit (in the base class), then forget the partitions.

        The base class empties its own lists before its last commit; the books outlive that.
        """
        await super().on_partitions_revoked(revoked)
        await self._leave()
        self._forget(revoked)
        self._anew -= revoked

    async def perform_seek(self) -> None:
        """Go back to the committed offsets: what was delivered and not committed comes again."""
        self._seeks += 1
        latest = self._seeks
        self._forget(list(self.books))
        # those whose beginning was not committed as this went to ask what is
        anew = set(self._anew)

        def begun(where: tuple[dict[TP, int], dict[TP, int]]) -> None:
            if latest == self._seeks:  # else a later one is under way, and moves the position again
                self._begun(where)

        committed = await self._thread.seek_back(begun)
        if latest != self._seeks:
            return
        if stale := anew & set(committed):
            await self.rewind(stale)

    async def rewind(self, tps: set[TP]) -> None:
        """Go to the beginning, and commit that: the log is another one than before."""
        self._forget(tps)
        await self.maybe_wait_for_commit_to_finish()
        # From here on a commit of them is one of the new log.
        self._anew |= tps
        await self._thread.rewind(tps, partial(self._begun, anew=True))

    def _begun(self, where: tuple[dict[TP, int], dict[TP, int]], anew: bool = False) -> None:
        starts, taken = where
        self.books.open(starts, anew=anew)
        self.books.taken(taken)

    async def seek(self, partition: TP, offset: int) -> None:
        """Go to an offset: what was delivered of this partition is forgotten."""
        await super().seek(partition, offset)
        self.books.open({partition: offset})

    async def wait_empty(self) -> None:
        """Tell the callbacks, wait for deliveries that are with the sink, and commit.

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
            await self._wait_for_ack(timeout=1)
        self._clean_unacked_messages()
        if self._unacked_messages:
            self.log.warning("%d chunks not done: they come again", len(self._unacked_messages))
        await self.commit_and_end_transactions()

    async def _leave(self) -> None:
        told = self._membership.leaving(self.transport.revoked_callbacks)
        if not await ends_within(self._drain_seconds, told):
            self.log.warning("on_revoked callbacks not done in %.1fs", self._drain_seconds)

    def _forget(self, tps: Iterable[TP]) -> None:
        gone = set(tps)
        self.books.close(gone)
        for book in (self._acked, self._acked_index, self._gap):
            for tp in gone:
                book.pop(tp, None)
        # The sink may hold what it got of them for long: no later drain waits for that.
        self._unacked_messages -= {m for m in self._unacked_messages if m.tp in gone}
