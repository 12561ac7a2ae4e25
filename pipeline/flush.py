"""Writes one batch: the steps between records that are read and offsets that may be committed."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from itertools import count
from typing import Any, NamedTuple, Protocol

from clickhouse.errors import EngineUnavailable
from pipeline.batch import Batch
from pipeline.retry import Patience
from pipeline.store import Fence, Slots, Store
from shopstream.broker import BrokerUnreachable
from shopstream.contracts.cursor import Partition
from shopstream.contracts.topics import INVENTORY, ORDERS

Check = Callable[[], Coroutine[Any, Any, None]]


class Fenced(Exception):
    """Another worker owns a partition of the batch; what is written for it there is not ours to write."""


class Lost(Exception):
    """Kafka took a partition of the batch away; its records come to the new owner, unacknowledged."""


class Written(NamedTuple):
    """A batch as it was written: rows that the store refused are among the refused."""

    batch: Batch
    changed: Slots


class Owner(Protocol):
    """What a flush needs of `Ownership`."""

    def fence(self, places: list[Partition], /) -> Fence | None: ...

    async def quiet(self) -> None: ...


class Alerts(Protocol):
    """What tells of the crossings that a batch of inventory found; raises as the engine and the broker do."""

    async def publish(self, batch: int, /, *, again: bool) -> None: ...


@dataclass(frozen=True, slots=True)
class Hands:
    """What a flush writes with."""

    store: Store
    alerts: Alerts

    async def apply(self, topic: str, number: int, fence: Fence, again: bool = True) -> None:
        """Step 3 of a batch, of this worker or of a former owner; `again`: it may have been begun before."""
        await self.store.apply(topic, number, fence)
        if topic == INVENTORY:
            await self.alerts.publish(number, again=again)


async def flush(
    batch: Batch, hands: Hands, fence: Fence, check: Check, *, again: bool = False
) -> Written:
    """One try; `again`: not the first.

    1. Say which partitions the batch holds; look for orders that were moved; see that the topics are
       still those that were read. A crash leaves an open batch without rows: applying it adds nothing.
    2. Write what is newer than what is stored. A crash in the middle leaves some of them:
       the new owner applies those, and finds the rest when it reads the records again.
    3. Apply the batch to the windows under its token. A crash in the middle leaves windows with and
       without it: the new owner repeats the step, and each window takes it once. Alerts of a batch of
       inventory are kept and published here; published again they have the same ids.
    4. Beside 2 and 3, keep the accepted events as history. Written again they collapse, or lie beside
       each other under the same key.
    5. Ask which dates changed: only now the rows of the batch surely stand. Mark the batch as applied:
       it is never repeated from now on.

    The refused records go to the dead letters next, beside the batches that follow (`Flusher`). A crash before the
    offsets are committed brings the records again: the comparison of step 2 finds nothing new.

    Raises:
        EngineUnavailable, BrokerUnreachable: try again with the same batch.
        Fenced, TopicRecreated: never try again.
    """
    store = hands.store
    changed: Slots = {}
    if batch.staged.num_rows:
        _, moved, _ = await all_of(store.begin(batch), _moved(batch, store), check())
        if moved:
            batch = batch.without(moved)
        await all_of(store.keep(batch), _store_and_apply(batch, hands, fence, again))
        changed, marked = await all_of(
            store.changed(batch.topic, batch.number), store.mark(batch.number, fence)
        )
        if not marked:
            raise Fenced(f"batch {batch.number} belongs to another worker now")
    else:
        await check()
    return Written(batch, changed)


async def _moved(batch: Batch, store: Store) -> list[int]:
    return await store.moved(batch) if batch.topic == ORDERS else []


async def _store_and_apply(batch: Batch, hands: Hands, fence: Fence, again: bool) -> None:
    await hands.store.store(batch, fence)
    await hands.apply(batch.topic, batch.number, fence, again)


async def all_of(*calls: Coroutine[Any, Any, Any]) -> list[Any]:
    """The results of calls made at once; where one fails, after the others have ended too.

    Nothing of a failed try may still be under way when the next begins.
    """
    results = await asyncio.gather(*calls, return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return results


async def insist(
    batch: Batch,
    hands: Hands,
    owner: Owner,
    check: Check,
    patience: tuple[Patience, Patience],
) -> Written:
    """Tries until the batch is written, under the claims of its first try; `patience` is that with the
    engine and that with the broker.

    A partition that went and came back has another claim: whoever took it has finished this batch as it
    stood, and reads its records again.

    `check` raises `TopicRecreated` where the topics are no longer those that were read.

    Raises:
        Lost, Fenced: where a partition is no longer ours, by Kafka's word or by the engine's.
    """
    engine, broker = patience
    fence = owner.fence(batch.places)
    for attempt in count():
        if fence is None or owner.fence(batch.places) != fence:
            raise Lost(f"batch {batch.number} was not written: a partition of it was taken away")
        try:
            if attempt:
                await owner.quiet()  # a try that was cut off may still run
            written = await flush(batch, hands, fence, check, again=attempt > 0)
        except EngineUnavailable as error:
            await engine.pause(error)
        except BrokerUnreachable as error:
            await broker.pause(error)
        except Fenced:
            if owner.fence(batch.places) == fence:
                raise
        else:
            engine.well()
            broker.well()
            return written
    raise AssertionError("unreachable")
