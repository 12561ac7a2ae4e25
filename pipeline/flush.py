"""Writes one batch: the steps between records that are read and offsets that may be committed."""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from itertools import count
from typing import Any, NamedTuple, Protocol

from pipeline.batch import Batch
from pipeline.fence import Fence
from pipeline.flush_statements import SMALL_ROWS
from pipeline.retry import Backoff, call_with_backoff
from pipeline.store import Conflicts, Known, Lookups, Slots, Store, all_of
from shopstream.contracts.cursor import Partition
from shopstream.contracts.topics import INVENTORY, ORDERS

Check = Callable[[], Coroutine[Any, Any, None]]


class Fenced(Exception):
    """Another worker has claimed a partition of the batch, so nothing more may be written for it."""


class PartitionsRevoked(Exception):
    """Kafka revoked a partition of the batch; its records come to the new owner, unacknowledged."""


class Written(NamedTuple):
    """A batch as it was written, orders under their first createdAt, the 15-minute buckets that it changed, and the
    look-up tables that it may have changed; None where that is not known."""

    batch: Batch
    changed: Slots
    lookups: Lookups | None = None


class Owner(Protocol):
    """What a flush needs of `Ownership`."""

    def fence(self, partitions: list[Partition], /) -> Fence | None: ...

    async def renew(self, partitions: list[Partition], /) -> Fence | None: ...


class Alerts(Protocol):
    """Publishes the crossings that a batch of inventory found; raises as the engine and the broker do."""

    async def publish(self, batch: int, /, *, again: bool, small: bool = False) -> None: ...


@dataclass(frozen=True, slots=True)
class BatchWriter:
    """Steps 2 and 3 of a batch: its rows, what they change, and its alerts."""

    store: Store
    alerts: Alerts

    async def insert_newer(
        self, batch: Batch, fence: Fence, found: Conflicts
    ) -> tuple[int, Lookups]:
        """Step 2: writes the rows that are newer than what is stored. Returns how many, and the look-up tables that
        they may change."""
        written, lookups = await all_of(
            self.store.store(batch, fence, found.equal),
            self.store.lookups(batch, found.new, found.stored),
        )
        return written, lookups

    async def apply(
        self,
        topic: str,
        batch_id: int,
        fence: Fence,
        known: Known | None = None,
    ) -> None:
        """Step 3 of a batch, of this worker or of a former owner; `known` as `Store.apply`, otherwise it may have been
        begun before."""
        await self.store.apply(topic, batch_id, fence, known)
        if topic == INVENTORY:
            small = known is not None and known.small
            await self.alerts.publish(batch_id, again=known is None, small=small)


async def flush(
    batch: Batch, writer: BatchWriter, fence: Fence, check: Check, *, again: bool = False
) -> Written:
    """One try; `again`: not the first.

    1. Insert which partitions the batch holds; look for createdAt conflicts; check that the topics are still
       those that were read. A crash leaves an open batch without rows: applying it adds nothing.
    2. Write what is newer than what is stored. A crash in the middle leaves some of them:
       the new owner applies those, and finds the rest when it reads the records again.
    3. Apply the batch to the windows, with a commit marker, and to the look-up tables that it may change. A crash in
       the middle leaves tables with and without it: the new owner repeats the step, for all of them; each window
       takes it once, and what a look-up table takes twice stands there once. Alerts of a batch of
       inventory are stored and published here; published again they have the same ids. Before it, ask which
       dates changed, and whether the batch has what only few orders have: its rows surely stand. Where a first
       try has written no row, nothing of this is due.
    4. Beside 2 and 3, store the accepted events as history. Written again they collapse, or lie beside
       each other under the same key.
    5. Mark the batch as applied: it is never repeated from now on.

    The refused records go to the dead letters next, beside the batches that follow (`Flusher`). A crash before the
    offsets are committed brings the records again: the comparison of step 2 finds nothing new.

    Raises:
        EngineUnavailable, BrokerUnreachable: try again with the same batch.
        Fenced, TopicRecreated: never try again.
    """
    store = writer.store
    written = Written(batch, {}, {})
    if batch.staged.num_rows:
        _, conflicts, _ = await all_of(store.begin(batch), _conflicts(batch, store), check())
        if conflicts.first:
            batch = batch.with_first_created_at(conflicts.first)
        _, written = await all_of(
            store.store_history(batch),
            _insert_and_apply(batch, writer, fence, again, conflicts),
        )
        if not await store.mark(batch.id, fence):
            raise Fenced(f"batch {batch.id} is fenced: another worker has claimed its partitions")
    else:
        await check()
    return written


async def _conflicts(batch: Batch, store: Store) -> Conflicts:
    if batch.topic == ORDERS:
        return await store.created_at_conflicts(batch)
    return Conflicts({}, new=True)


async def _insert_and_apply(
    batch: Batch, writer: BatchWriter, fence: Fence, again: bool, found: Conflicts
) -> Written:
    written, lookups = await writer.insert_newer(batch, fence, found)
    if not written and not again:
        return Written(batch, {}, {})
    small = batch.staged.num_rows <= SMALL_ROWS
    changed = await writer.store.changed(batch.topic, batch.id, small)
    # an earlier try may have written rows that this one does not find new: then nothing is known
    known = None if again else Known(lookups, small, changed.parts)
    await writer.apply(batch.topic, batch.id, fence, known)
    return Written(batch, changed.slots, known and lookups)


async def flush_with_retry(
    batch: Batch,
    writer: BatchWriter,
    owner: Owner,
    check: Check,
    engine: Backoff,
    broker: Backoff,
) -> Written:
    """Tries until the batch is written, each time under new claims.

    A partition that went and came back has claims that no try made: whoever took it has finished this batch as it
    stood, and reads its records again.

    `check` raises `TopicRecreated` where the topics are no longer those that were read.

    Raises:
        PartitionsRevoked, Fenced: where a partition is no longer ours, as Kafka or the stored claims have it.
    """
    fence = owner.fence(batch.partitions)
    tries = count()

    async def attempt() -> Written:
        nonlocal fence
        again = next(tries) > 0
        if owner.fence(batch.partitions) != fence:
            fence = None
        try:
            if again and fence is not None:
                fence = await owner.renew(batch.partitions)
            if fence is None:
                raise PartitionsRevoked(f"batch {batch.id} dropped: a partition of it was revoked")
            return await flush(batch, writer, fence, check, again=again)
        except Fenced:
            if owner.fence(batch.partitions) == fence:
                raise
            return await attempt()

    return await call_with_backoff(attempt, engine, broker)
