"""Which partitions this worker may write for, and what it must finish before it writes.

When partitions arrive, in this order:

1. Claim them in the engine, with a number above every claim that is stored. From then on no new statement
   of a former owner writes anything: each carries its claims and compares them with the stored ones.
2. Wait until the writing statements that were under way are over: they may have compared before.
3. Of the batches that began and were never marked, apply those whose first partition is ours, where their commit
   markers are missing; wait for the owners of the others to do so. A recount applies open batches of orders too, so
   each of both does it under the claim of the recounts (`counted_statuses.py`): never both at once.
4. Notify the shops again of what changed lately: the former owner may have died between a mark and its notice.

A batch may be superseded in storage only once it is applied, so nothing is written before 3 is done. A crash
after any step leaves at most an unused claim.

Where a statement fails, nobody knows whether it ran, runs, or begins later: it may wait in a connection. So what
follows a failure, of these steps or of a flush, is done under a new claim: what was sent under the former one writes
nothing once it begins.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Collection
from functools import partial

from pipeline.fence import POLL_SECONDS, Fence, wait_for_running_statements
from pipeline.flush import Fenced
from pipeline.retry import Backoff
from pipeline.snowflake import Snowflake
from pipeline.store import Slots, Store
from shopstream.contracts.cursor import Partition
from shopstream.contracts.topics import ORDERS

logger = logging.getLogger(__name__)

RENOTIFY_SECONDS = 60.0
"""What changed so long before partitions arrive is published again."""
SUPERSEDED_SECONDS = 30.0
"""How long a new owner waits for one with a greater claim to finish a batch. One that was not the owner any more as it
claimed may never do so: then it claims again."""
Recovered = Callable[[Slots], None]
Apply = Callable[[str, int, Fence], Awaitable[None]]
WithRecountClaim = Callable[[Fence], Awaitable[Fence]]


class Ownership:
    """Claims of the partitions that Kafka assigned to this worker.

    `apply` (topic, batch id, fence) finishes a batch but for its mark. `recovered` gets what changed
    by each batch that was finished for an earlier owner, and lately. `with_recount_claim` gives the claims under which
    a batch of orders is finished: recounts finish such batches too (`CountedStatuses`).
    """

    def __init__(
        self,
        store: Store,
        apply: Apply,
        ids: Snowflake,
        backoff: Backoff,
        recovered: Recovered,
        with_recount_claim: WithRecountClaim,
    ) -> None:
        self._store = store
        self._apply_batch = apply
        self._ids = ids
        self._backoff = backoff
        self._recovered = recovered
        self._with_recount_claim = with_recount_claim
        self._claims: dict[Partition, int] = {}
        self._sent: set[int] = set()
        """Every claim that this worker sent, whether or not it was stored."""

    def fence(self, partitions: Collection[Partition]) -> Fence | None:
        """The claims of a batch with these partitions; None where one of them is not ours to write for."""
        if all(partition in self._claims for partition in partitions):
            return Fence({partition: self._claims[partition] for partition in partitions})
        return None

    async def take(self, partitions: Collection[Partition]) -> None:
        """Runs the steps for partitions that were assigned; waits out an engine that is down.

        Only then they are ours to write for.
        """
        new = [partition for partition in partitions if partition not in self._claims]
        if not new:
            return
        while not await self._backoff.call(partial(self._take, new)):
            pass  # under another claim
        # a former owner may have died between a mark and its notice
        since = time.time() - RENOTIFY_SECONDS
        for changed in await self._backoff.call(lambda: self._store.changed_since(since)):
            self._recovered(changed)

    def give_up(self, partitions: Collection[Partition]) -> None:
        for partition in partitions:
            self._claims.pop(partition, None)

    async def renew(self, partitions: Collection[Partition]) -> Fence | None:
        """The new claims of a batch after a try that failed: whatever of it is still to begin writes nothing, and what
        ran is over. None where one of the partitions is not ours any more, or was taken again.

        Raises:
            EngineUnavailable: try again.
            Fenced: another worker has claimed one of them.
        """
        held = self.fence(partitions)
        stored = await self._store.greatest_claims(partitions)
        # what went meanwhile may be of another worker by now: a claim would fence that one
        if held is None or self.fence(partitions) != held:
            return None
        if not stored <= self._sent:
            raise Fenced("another worker has claimed a partition of the batch")
        claim = await self._claim(partitions, max(stored))
        if self.fence(partitions) != held:
            return None
        self._claims.update(dict.fromkeys(partitions, claim))
        return self.fence(partitions)

    async def _take(self, new: Collection[Partition]) -> bool:
        """False where a greater claim keeps it from finishing a batch."""
        claim = await self._claim(new, await self._store.greatest_claim(new))
        if not await self._finish(new, self._claims | dict.fromkeys(new, claim)):
            return False
        self._claims.update(dict.fromkeys(new, claim))
        return True

    async def _claim(self, partitions: Collection[Partition], greatest: int) -> int:
        """A claim above the greatest that is stored; returns once every *store* and *apply* that ran then, of any
        worker, is over."""
        claim = self._ids.above(greatest)
        self._sent.add(claim)
        await self._store.claim(partitions, claim)
        await wait_for_running_statements(self._store.running)
        return claim

    async def _finish(
        self, partitions: Collection[Partition], claims: dict[Partition, int]
    ) -> bool:
        """False where one of the batches was not finished by the worker with a greater claim for too long."""
        done = 0
        refused: dict[int, float] = {}
        while found := await self._store.open_batches(partitions, time.time()):
            for batch_id, parts in sorted(found.items()):
                if (claim := claims.get(parts[0])) is not None:
                    fence = Fence({parts[0]: claim})
                    if parts[0].topic == ORDERS:
                        fence = await self._with_recount_claim(fence)
                    marked = await self._apply(parts[0].topic, batch_id, fence)
                    done += marked
                    now = time.monotonic()
                    if not marked and now - refused.setdefault(batch_id, now) > SUPERSEDED_SECONDS:
                        logger.warning(
                            "batch %d: the worker with a greater claim of %s:%d did not finish it within %.0f s and "
                            "may be gone; claiming the partitions again",
                            *(batch_id, *parts[0], SUPERSEDED_SECONDS),
                        )
                        return False
            await asyncio.sleep(POLL_SECONDS)
        if done:
            logger.info("finished %d batches of an earlier owner", done)
        return True

    async def _apply(self, topic: str, batch_id: int, fence: Fence) -> bool:
        """False where yet another worker has claimed the partition: then it does this."""
        await self._apply_batch(topic, batch_id, fence)
        changed = await self._store.changed(topic, batch_id)
        marked = await self._store.mark(batch_id, fence)
        if marked:
            self._recovered(changed.slots)
        return marked
