"""Gathers chunks while a batch is written, and writes what has gathered as the next one."""

import asyncio
import logging
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass

from pipeline.batch import Batch, assemble
from pipeline.decode import Piece, decode
from pipeline.flush import Lost, Written
from pipeline.transport import Delivery
from shopstream.contracts.cursor import Partition

logger = logging.getLogger(__name__)

MAX_RECORDS = 100_000
MAX_BYTES = 32 * 1024 * 1024
"""A batch takes no further chunk beyond them; twice as much may wait, then the consumer waits too."""
ROOM_BYTES = 128 * 1024 * 1024
"""What the flushers of a worker hold together, waiting or being written; beyond it one chunk of each topic."""
MANY_RECORDS, MORE_SECONDS = 2000, 0.2
"""Where so many wait, more are on their way: a batch waits that long to be full."""
SHARE, LONGEST_PACE = 0.25, 0.6
"""The share of the time in which batches of a topic are written: after one that took long the next waits for
more records, at most so many seconds from start to start. A small batch costs the engine much the same as a
big one, and what the engine spends on batches the reports go without."""
SMALL_RECORDS = 500
"""A chunk of fewer is decoded with the others of its batch: alone, each of its records would cost several times
as much. One of more is decoded as it comes, while the batch before is written."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A chunk, and how to acknowledge it; `size` is in bytes of the records' values."""

    delivery: Delivery
    epoch: int
    size: int
    piece: Piece | None
    """None of a small one: it is decoded when the batch is made."""

    @property
    def place(self) -> Partition:
        return Partition(self.delivery.chunk.topic, self.delivery.chunk.partition)

    @property
    def records(self) -> int:
        return len(self.delivery.chunk.records)


LETTERS_AT_ONCE = 4
"""Batches of a topic whose dead letters are on their way; then the next waits: it could not be acknowledged either."""

Write = Callable[[Batch], Awaitable[Written]]
Send = Callable[[Batch], Awaitable[None]]
Tell = Callable[[Written, float], None]


class Room:
    """What the flushers of one worker hold together, in bytes of the records' values."""

    def __init__(self, limit: int = ROOM_BYTES) -> None:
        self._limit = limit
        self._bytes = 0
        self.change = asyncio.Condition()

    def add(self, size: int) -> None:
        """Takes room, or gives it back where `size` is negative."""
        self._bytes += size

    @property
    def full(self) -> bool:
        """Whether it holds all that it may."""
        return self._bytes >= self._limit


class Flusher:
    """One for a topic, over all the partitions of it that this worker has; `room` is shared by all of them.

    `write` returns when the batch is durable, whatever it takes, and `send` when its dead letters are: chunks with
    refused records are acknowledged then, while the batches that follow are written. `written` is told of a batch, with
    the seconds that it took, once it is written. `pace` is the least time in seconds from one start to the next,
    unless a full batch waits; after a batch that took long it is longer.
    """

    def __init__(
        self,
        epoch: Callable[[str], int],
        number: Callable[[], int],
        write: Write,
        send: Send,
        written: Tell,
        pace: float,
        room: Room,
    ) -> None:
        self._epoch = epoch
        self._number = number
        self._write = write
        self._send = send
        self._sending = asyncio.Semaphore(LETTERS_AT_ONCE)
        self._written = written
        self._pace_seconds = pace
        self._waiting: deque[Waiting] = deque()
        self._records = 0
        self._bytes = 0
        self._drops: Counter[Partition] = Counter()
        self._room = room
        self._change = self._room.change

    async def offer(self, delivery: Delivery) -> None:
        """Decodes a chunk, unless it is small, and queues it; waits where two full batches are queued already,
        or one chunk while the room is full.

        A chunk whose partition is dropped meanwhile is forgotten too.
        """
        chunk = delivery.chunk
        place = Partition(chunk.topic, chunk.partition)
        drops = self._drops[place]
        epoch = self._epoch(chunk.topic)
        size = sum(len(record.value or b"") for record in chunk.records)
        piece = None
        if len(chunk.records) >= SMALL_RECORDS:
            piece = await asyncio.to_thread(decode, *place, epoch, chunk.records)
        async with self._change:
            await self._change.wait_for(lambda: self._may_queue() or self._drops[place] != drops)
            if self._drops[place] != drops:
                return
            waiting = Waiting(delivery, epoch, size, piece)
            self._add(waiting, 1)
            self._room.add(size)
            self._waiting.append(waiting)
            self._change.notify_all()

    def drop(self, lost: Collection[Partition]) -> None:
        """Forgets queued chunks of revoked partitions: they are somebody else's now, unacknowledged."""
        self._drops.update(lost)
        kept = [w for w in self._waiting if w.place not in lost]
        for waiting in self._waiting:
            if waiting.place in lost:
                self._add(waiting, -1)
                self._room.add(-waiting.size)
        self._waiting = deque(kept)

    async def run(self) -> None:
        """Writes batches for ever; what `write` or `send` raises ends it, with nothing acknowledged."""
        try:
            async with asyncio.TaskGroup() as letters:
                await self._write_for_ever(letters)
        except BaseExceptionGroup as failed:
            raise failed.exceptions[0] from None

    async def _write_for_ever(self, letters: asyncio.TaskGroup) -> None:
        loop = asyncio.get_running_loop()
        rested = False
        while True:
            taken = await self._take(more=not rested)
            began = loop.time()
            drops = self._drops.copy()
            try:
                pieces = await asyncio.to_thread(decoded, taken)
                kept, pieces = self._still(drops, taken, pieces)
                if not pieces:
                    continue
                written = await self._write(assemble(self._number(), pieces))
            except Lost as lost:
                logger.warning("%s", lost)
                continue
            finally:
                await self._give_back(taken)
            if written.batch.refused:
                await self._sending.acquire()
                letters.create_task(self._send_and_acknowledge(written.batch, kept))
            else:
                acknowledge(kept)
            took = loop.time() - began
            self._written(written, took)
            rested = await self._rest(took)

    async def _send_and_acknowledge(self, batch: Batch, kept: list[Waiting]) -> None:
        try:
            await self._send(batch)
        finally:
            self._sending.release()
        acknowledge(kept)

    def _still(
        self, drops: Counter[Partition], taken: list[Waiting], pieces: list[Piece]
    ) -> tuple[list[Waiting], list[Piece]]:
        """Without what was dropped since `drops`: it may be ours again, under another claim."""
        return (
            [one for one in taken if self._drops[one.place] == drops[one.place]],
            [one for one in pieces if self._drops[_place(one)] == drops[_place(one)]],
        )

    async def _give_back(self, taken: list[Waiting]) -> None:
        async with self._change:
            self._room.add(-sum(waiting.size for waiting in taken))
            self._change.notify_all()

    async def _take(self, more: bool) -> list[Waiting]:
        """`more`: where many wait, wait a little for more of them."""
        async with self._change:
            self._change.notify_all()  # `drop` may have made room
            while True:
                await self._change.wait_for(lambda: bool(self._waiting))
                if more and self._records >= MANY_RECORDS and not self._full(1):
                    await self._until_full(MORE_SECONDS)
                if self._waiting:  # `drop` may have taken what was there
                    break
            taken, records, size = [], 0, 0
            while self._waiting and records < MAX_RECORDS and size < MAX_BYTES:
                waiting = self._waiting.popleft()
                self._add(waiting, -1)
                records += waiting.records
                size += waiting.size
                taken.append(waiting)
            self._change.notify_all()
        return taken

    async def _rest(self, took: float) -> bool:
        """Until the next batch may start; False where it may at once."""
        pace = max(self._pace_seconds, min(took / SHARE, LONGEST_PACE))
        if pace <= took:
            return False
        async with self._change:
            await self._until_full(pace - took)
        return True

    async def _until_full(self, seconds: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._change.wait_for(lambda: self._full(1)), seconds)

    def _may_queue(self) -> bool:
        return not self._full(2) and not (self._waiting and self._room.full)

    def _full(self, times: int) -> bool:
        return self._records >= times * MAX_RECORDS or self._bytes >= times * MAX_BYTES

    def _add(self, waiting: Waiting, sign: int) -> None:
        self._records += sign * waiting.records
        self._bytes += sign * waiting.size


def acknowledge(kept: Iterable[Waiting]) -> None:
    """Once everything of them is durable."""
    for waiting in kept:
        waiting.delivery.ack()


def decoded(taken: Iterable[Waiting]) -> list[Piece]:
    """Of each partition in the order of arrival; its small chunks that follow each other are one piece."""
    found: list[Piece | list[Waiting]] = []
    runs: dict[tuple[Partition, int], list[Waiting]] = {}
    for waiting in taken:
        key = waiting.place, waiting.epoch
        if waiting.piece:
            runs.pop(key, None)
            found.append(waiting.piece)
        elif key in runs:
            runs[key].append(waiting)
        else:
            found.append(runs.setdefault(key, [waiting]))
    return [one if isinstance(one, Piece) else _decoded(one) for one in found]


def _decoded(run: list[Waiting]) -> Piece:
    records = [record for waiting in run for record in waiting.delivery.chunk.records]
    return decode(*run[0].place, run[0].epoch, records)


def _place(piece: Piece) -> Partition:
    return Partition(piece.topic, piece.partition)
