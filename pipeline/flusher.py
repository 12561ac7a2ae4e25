"""Gathers chunks while a batch is written, and writes what has gathered as the next one.

Partitions take turns, so that one with a flood waits alone: a batch takes a chunk of each partition before a second of
any; big chunks are decoded beside the batches, and those not decoded yet hold up only what is behind them in their own
partition; and a partition of which much is waiting is not read on (`hold`), while the others are.
"""

import asyncio
import logging
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field

from pipeline.batch import Batch, assemble
from pipeline.decode import DecodedChunk, KafkaRecord, Run, decode, shops_with_words
from pipeline.flush import PartitionsRevoked, Written
from pipeline.transport import Delivery
from shopstream.contracts.cursor import Partition
from shopstream.contracts.order import NO_WORDS, StatusMaps

logger = logging.getLogger(__name__)

MAX_RECORDS = 100_000
MAX_BYTES = 32 * 1024 * 1024
"""A batch takes no further chunk beyond them; twice as much may wait, then the consumer waits too."""
HOLD_SHARE = 0.5
"""Where so much of a full batch waits of one partition, the consumer does not read that partition on."""
BUDGET_BYTES = 128 * 1024 * 1024
"""What the flushers of a worker hold together, waiting or being written; beyond it one chunk of each topic."""
MANY_RECORDS, MORE_SECONDS = 2000, 0.2
"""Where so many wait, more are on their way: a batch waits that long to be full; but not where they are a flood of some
partitions, and what waits of another is few."""
SHARE, LONGEST_PACE = 0.25, 0.6
"""The share of the time in which batches of a topic are written: after one that took long the next waits for
more records, at most so many seconds from start to start. A small batch costs the engine much the same as a
big one, and what the engine spends on batches the reports go without."""
SMALL_RECORDS = 500
"""A chunk of fewer is decoded with the others of its batch: alone, each of its records would cost several times
as much. One of more is decoded beside the batches, before its own."""


@dataclass(slots=True)
class PendingChunk:
    """A chunk that waits for its batch, with its acknowledgement."""

    delivery: Delivery
    epoch: int
    decoded: DecodedChunk | None = None
    """None of a small one: it is decoded when the batch is made."""

    @property
    def partition(self) -> Partition:
        """The partition that it came from."""
        return Partition(self.delivery.chunk.topic, self.delivery.chunk.partition)

    @property
    def records(self) -> int:
        """How many records it has."""
        return len(self.delivery.chunk.records)

    @property
    def size(self) -> int:
        """In bytes."""
        return self.delivery.chunk.size

    @property
    def small(self) -> bool:
        """Whether it is decoded with others."""
        return self.records < SMALL_RECORDS


@dataclass(slots=True)
class PartitionQueue:
    """Chunks of one partition that wait, in the order of arrival; the big ones are decoded from the front on."""

    chunks: deque[PendingChunk] = field(default_factory=deque)
    undecoded: deque[PendingChunk] = field(default_factory=deque)
    records: int = 0
    size: int = 0

    def append(self, pending: PendingChunk) -> None:
        """Adds a chunk."""
        self.chunks.append(pending)
        if not pending.small:
            self.undecoded.append(pending)
        self.records += pending.records
        self.size += pending.size

    @property
    def ready(self) -> bool:
        """Whether the first chunk can go into a batch."""
        return bool(self.chunks) and (self.chunks[0].small or self.chunks[0].decoded is not None)

    def popleft(self) -> PendingChunk:
        """The first chunk."""
        pending = self.chunks.popleft()
        self.records -= pending.records
        self.size -= pending.size
        return pending

    @property
    def long(self) -> bool:
        """Whether the partition is not to be read on."""
        return self.records >= HOLD_SHARE * MAX_RECORDS or self.size >= HOLD_SHARE * MAX_BYTES


SENDS_AT_ONCE = 4
"""Batches of a topic whose dead letters are being sent; then the next waits: it could not be acknowledged either."""

Write = Callable[[Batch], Awaitable[Written]]
Send = Callable[[Batch], Awaitable[None]]
Report = Callable[[Written, float], None]
Hold = Callable[[Partition, bool], None]
ReadMaps = Callable[[Collection[str]], Awaitable[StatusMaps]]


class Changes:
    """Lets tasks of one event loop wait until something is so. A notice of an `asyncio.Condition` wakes all who wait,
    to take its lock, look and wait again; here whoever changes something looks for them."""

    def __init__(self) -> None:
        self._waiting: dict[asyncio.Future[None], Callable[[], bool]] = {}

    async def until(self, so: Callable[[], bool]) -> None:
        """Returns where `so()`, which `notify` looks at."""
        while not so():
            waiting = asyncio.get_running_loop().create_future()
            self._waiting[waiting] = so
            try:
                await waiting
            finally:
                del self._waiting[waiting]

    def notify(self) -> None:
        """Wakes those who have waited for what is so now."""
        for waiting, so in self._waiting.items():
            if not waiting.done() and so():
                waiting.set_result(None)


class MemoryBudget:
    """What the flushers of one worker hold together, in bytes of the records."""

    def __init__(self, limit: int = BUDGET_BYTES) -> None:
        self._limit = limit
        self._bytes = 0
        self.changes = Changes()

    def add(self, size: int) -> None:
        """Reserves bytes, or frees them where `size` is negative."""
        self._bytes += size

    @property
    def full(self) -> bool:
        """Whether all bytes are reserved."""
        return self._bytes >= self._limit


class Flusher:
    """One for a topic, over all the partitions of it that this worker has; `budget` is shared by all of them.

    `maps` gives the words of shops for statuses; it is asked where an order has a status that is none of ours.
    `write` returns when the batch is durable, whatever it takes: reports have it then. `send` returns when its dead
    letters are: partitions with refused records are acknowledged then, while the batches that follow are written.
    `hold` stops and resumes the reading of a partition; what was read before may still be offered. `written` gets a
    batch, with the seconds that it took, once it is written. `pace` is the least time in seconds from one start to the
    next, unless a full batch waits; after a batch that took long it is longer.
    """

    def __init__(
        self,
        epoch: Callable[[str], int],
        next_id: Callable[[], int],
        write: Write,
        send: Send,
        written: Report,
        pace: float,
        budget: MemoryBudget,
        hold: Hold,
        maps: ReadMaps,
    ) -> None:
        self._epoch = epoch
        self._maps = maps
        self._next_id = next_id
        self._write = write
        self._send = send
        self._sending = asyncio.Semaphore(SENDS_AT_ONCE)
        self._written = written
        self._pace_seconds = pace
        self._waiting: dict[Partition, PartitionQueue] = {}
        """The partition that a batch took from last is the last."""
        self._drops: Counter[Partition] = Counter()
        self._budget = budget
        self._hold = hold
        self._changes = budget.changes

    async def offer(self, delivery: Delivery) -> None:
        """Queues a chunk; waits where two full batches are queued already, or one chunk while the memory budget is used
        up.

        A chunk whose partition is dropped meanwhile is forgotten too.
        """
        chunk = delivery.chunk
        partition = Partition(chunk.topic, chunk.partition)
        drops = self._drops[partition]
        pending = PendingChunk(delivery, self._epoch(chunk.topic))
        await self._changes.until(lambda: self._may_queue() or self._drops[partition] != drops)
        if self._drops[partition] != drops:
            delivery.drop()
            return
        queue = self._waiting.setdefault(partition, PartitionQueue())
        queue.append(pending)
        self._budget.add(pending.size)
        self._hold(partition, queue.long)
        self._changes.notify()

    def drop(self, lost: Collection[Partition]) -> None:
        """Forgets queued chunks of revoked partitions: they are somebody else's now, unacknowledged."""
        self._drops.update(lost)
        for partition in lost:
            if queue := self._waiting.pop(partition, None):
                forget(queue.chunks)
                self._budget.add(-queue.size)
                self._hold(partition, False)
        self._changes.notify()

    async def run(self) -> None:
        """Writes batches for ever; what `write` or `send` raises ends it, with nothing acknowledged."""
        try:
            async with asyncio.TaskGroup() as sending:
                sending.create_task(self._decode_ahead())
                await self._write_for_ever(sending)
        except BaseExceptionGroup as failed:
            raise failed.exceptions[0] from None

    async def _write_for_ever(self, sending: asyncio.TaskGroup) -> None:
        loop = asyncio.get_running_loop()
        rested = False
        while True:
            taken = await self._take(more=not rested)
            began = loop.time()
            drops = self._drops.copy()
            try:
                kept, chunks = await self._decode(taken, drops)
                if not chunks:
                    continue
                written = await self._write(assemble(self._next_id(), chunks))
            except PartitionsRevoked as error:
                logger.warning("%s", error)
                forget(taken)
                continue
            finally:
                self._give_back(taken)
            for one in kept:
                one.delivery.written()
            unsent = {record.partition for record, _ in written.batch.refused}
            acknowledge(one for one in kept if one.partition.partition not in unsent)
            # at once: progress that includes the batch may be published from now on
            self._written(written, loop.time() - began)
            if unsent:
                refusing = [one for one in kept if one.partition.partition in unsent]
                await self._sending.acquire()
                sending.create_task(self._send_and_acknowledge(written.batch, refusing))
            rested = await self._rest(loop.time() - began)

    async def _send_and_acknowledge(self, batch: Batch, kept: list[PendingChunk]) -> None:
        try:
            await self._send(batch)
        finally:
            self._sending.release()
        acknowledge(kept)

    async def _decode_ahead(self) -> None:
        """Decodes big chunks, one at a time: of the partition that has the fewest records waiting."""
        while True:
            await self._changes.until(lambda: any(self._undecoded()))
            queue = min(self._undecoded(), key=lambda queue: queue.records)
            pending = queue.undecoded.popleft()
            topic, number = pending.partition
            run = Run(number, pending.epoch, pending.delivery.chunk.records)
            pending.decoded = await asyncio.to_thread(decode, topic, [run])
            self._changes.notify()

    async def _decode(
        self, taken: list[PendingChunk], drops: Counter[Partition]
    ) -> tuple[list[PendingChunk], list[DecodedChunk]]:
        """Without what was dropped since `drops`, also while it was decoded: it may be ours again, under another
        claim."""
        while True:
            kept = [one for one in taken if self._drops[one.partition] == drops[one.partition]]
            chunks = await asyncio.to_thread(decode_all, kept)
            if shops := set().union(*map(shops_with_words, chunks)):
                maps = await self._maps(shops)
                chunks = await asyncio.to_thread(decode_all, kept, maps) if maps else chunks
            if all(self._drops[one.partition] == drops[one.partition] for one in kept):
                forget(one for one in taken if self._drops[one.partition] != drops[one.partition])
                return kept, chunks

    def _give_back(self, taken: list[PendingChunk]) -> None:
        self._budget.add(-sum(pending.size for pending in taken))
        self._changes.notify()

    async def _take(self, more: bool) -> list[PendingChunk]:
        """`more`: where many wait, wait a little for more of them."""
        while True:
            await self._changes.until(self._ready)
            if more and self._many() and not self._full(1):
                await self._within(MORE_SECONDS, lambda: self._full(1) or not self._many())
            if self._ready():  # `drop` may have taken what was there
                break
        taken: list[PendingChunk] = []
        records = size = 0
        turns = deque(self._waiting)
        while turns and records < MAX_RECORDS and size < MAX_BYTES:
            partition = turns.popleft()
            queue = self._waiting.pop(partition)
            self._waiting[partition] = queue  # the last to be taken from
            if queue.ready:
                turns.append(partition)
                taken.append(queue.popleft())
                records += taken[-1].records
                size += taken[-1].size
        for partition in {one.partition for one in taken}:
            self._hold(partition, self._waiting[partition].long)
        self._changes.notify()
        return taken

    async def _rest(self, took: float) -> bool:
        """Until the next batch may start; False where it may at once."""
        pace = max(self._pace_seconds, min(took / SHARE, LONGEST_PACE))
        if pace <= took:
            return False
        await self._within(pace - took, lambda: self._full(1))
        return True

    async def _within(self, seconds: float, so: Callable[[], bool]) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._changes.until(so)

    def _ready(self) -> bool:
        return any(queue.ready for queue in self._waiting.values())

    def _many(self) -> bool:
        waiting = [queue.records for queue in self._waiting.values() if queue.records]
        return min(waiting, default=0) * len(waiting) >= MANY_RECORDS

    def _undecoded(self) -> Iterator[PartitionQueue]:
        return (queue for queue in self._waiting.values() if queue.undecoded)

    def _may_queue(self) -> bool:
        return not self._full(2) and not (self._records and self._budget.full)

    def _full(self, times: int) -> bool:
        size = sum(queue.size for queue in self._waiting.values())
        return self._records >= times * MAX_RECORDS or size >= times * MAX_BYTES

    @property
    def _records(self) -> int:
        return sum(queue.records for queue in self._waiting.values())


def acknowledge(kept: Iterable[PendingChunk]) -> None:
    """Acknowledges chunks, everything of which is durable."""
    for pending in kept:
        pending.delivery.ack()


def forget(lost: Iterable[PendingChunk]) -> None:
    """Drops chunks: they come again, to whoever has their partitions."""
    for pending in lost:
        pending.delivery.drop()


def decode_all(taken: Iterable[PendingChunk], maps: StatusMaps = NO_WORDS) -> list[DecodedChunk]:
    """Chunks of each partition in the order of arrival; small ones are decoded as one, whatever their partitions,
    up to the next big one of the same partition. With `maps`, as `decode`, every chunk is decoded anew."""
    found: list[DecodedChunk] = []
    small: list[PendingChunk] = []
    for pending in taken:
        if pending.decoded is None or maps:
            small.append(pending)
            continue
        if any(one.partition == pending.partition for one in small):
            found += _decode_small(small, maps)
            small = []
        found.append(pending.decoded)
    return found + _decode_small(small, maps)


def _decode_small(pending: Iterable[PendingChunk], maps: StatusMaps) -> list[DecodedChunk]:
    runs: dict[tuple[Partition, int], list[KafkaRecord]] = {}
    for one in pending:
        runs.setdefault((one.partition, one.epoch), []).extend(one.delivery.chunk.records)
    if not runs:
        return []
    ((topic, _), _), *_ = runs
    found = [Run(partition.partition, epoch, run) for (partition, epoch), run in runs.items()]
    return [decode(topic, found, maps)]
