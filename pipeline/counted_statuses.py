"""Under which statuses the orders of shops count, and how that changes while orders are written.

A row of `orders` says whether it counts, and windows follow from the rows. So another choice of a shop rewrites rows,
and nobody else may write orders meanwhile: what is rewritten would be compared with what is stored. One claim beside
those of the partitions holds that, see `ownership.py`: each batch of orders carries the latest one. A recount, by one
worker:

1. Claim. From now on no batch of orders that began before is written any further.
2. Wait until the writing statements that were under way are over.
3. Finish the batches of orders that are open, whoever began them. A crash in 1 to 3 leaves a claim; the next recount
   takes a greater one and begins again.
4. Of one shop after another, store under which statuses it counts now.
5. Write its orders again that count otherwise, as batches: begin, write, apply, mark. A crash leaves some of them;
   the next recount goes on with the shops of 4. Shops that have not begun after `HOLD_SECONDS` are left to the next.
6. Release the claim, if it is still the greatest. A worker whose batch was fenced waits for that, reads the statuses,
   writes its records as a new batch, and reports what both changed.
"""

import asyncio
import logging
import time
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from clickhouse.errors import EngineError, EngineUnavailable
from pipeline.decode import Part
from pipeline.fence import POLL_SECONDS, Fence, wait_for_running_statements
from pipeline.flush import Owner
from pipeline.recount_statements import RecountStatements
from pipeline.retry import Backoff
from pipeline.snowflake import Snowflake
from pipeline.store import Slots, Store
from shopstream.contracts.cursor import Partition
from shopstream.contracts.order import MAY_COUNT, NOT_COUNTED
from shopstream.contracts.topics import ORDERS

logger = logging.getLogger(__name__)

COUNTING, RELEASED = Partition("shopstream.counting", 0), Partition("shopstream.counting", 1)
"""What a recount claims, and releases under the same number: no topic, but stored beside the claims of partitions."""
LOOK_SECONDS = 2.0
SHARE, LONGEST_REST_SECONDS = 0.05, 30.0
"""The share of the time in which no orders are written: a recount that took long is followed by a longer rest."""
HOLD_SECONDS = 3.0
"""How long shops are begun under one claim, while no orders of any shop are written."""
SHOPS_AT_ONCE = 100
RECOUNTS, RECOUNTS_SECONDS = 5, 3600.0
"""Of one shop in so many seconds; later choices wait, so that a shop that changes its mind holds up no other."""
ORDERS_AT_ONCE, LINES_AT_ONCE = 100_000, 500_000
"""In one batch: they change in the reports at once. *apply* has all lines of a batch in memory, and one that the
engine refused for that would hold up all orders."""
Apply = Callable[[str, int, Fence], Awaitable[None]]


class Generation(NamedTuple):
    """A claim that was released, and by shop its own statuses that count under it."""

    claim: int
    counted: Mapping[str, frozenset[str]]


@dataclass(frozen=True, slots=True)
class CountingOwner:
    """An owner of partitions whose batches are written under one generation."""

    owner: Owner
    generation: Generation

    def fence(self, partitions: list[Partition], /) -> Fence | None:
        """As `Ownership.fence`, with the claim of the generation."""
        fence = self.owner.fence(partitions)
        if fence is None:
            return None
        claim, counted = self.generation
        return Fence({**fence.claims, COUNTING: claim}, counted)

    async def renew(self, partitions: list[Partition], /) -> Fence | None:
        """As `Ownership.renew`."""
        return self.fence(partitions) if await self.owner.renew(partitions) else None


class CountedStatuses:
    """The generation of this worker, and recounts by it while `mine` returns True.

    `apply` (topic, batch id, fence) finishes a batch but for its mark; `changed` gets what each batch of a recount
    changed; a batch has `at_once` orders at most, and `lines` lines unless it is one order.
    """

    def __init__(
        self,
        store: Store,
        ids: Snowflake,
        apply: Apply,
        changed: Callable[[Slots], None],
        mine: Callable[[], bool],
        at_once: int = ORDERS_AT_ONCE,
        lines: int = LINES_AT_ONCE,
    ) -> None:
        self._store = store
        self._statements = RecountStatements(store)
        self._ids = ids
        self._apply = apply
        self._changed = changed
        self._mine = mine
        self._at_once = at_once
        self._lines = lines
        self._present: Generation | None = None
        self._begun: defaultdict[str, deque[float]] = defaultdict(deque)
        """When recounts of a shop began, by a clock that nobody sets; another worker does not know of them."""
        self._one = asyncio.Lock()
        self.under_way = False
        """Whether a recount is, as far as this worker knows: reports may mix numbers from before and after it."""

    async def present(self) -> Generation:
        """The latest generation that this worker knows; waits while a recount goes on.

        Raises:
            EngineUnavailable, EngineError: as the engine.
        """
        while self._present is None:
            claim, released = await self._claims()
            if claim == released:
                counted = {
                    shop: frozenset(statuses.split(","))
                    for shop, (statuses, _) in (await self._statements.present()).items()
                    if statuses
                }
                # it may have changed as it was read
                if await self._store.greatest_claim([COUNTING]) == claim:
                    self._present = Generation(claim, counted)
                    break
            await asyncio.sleep(POLL_SECONDS)
        return self._present

    async def is_former(self, generation: Generation) -> bool:
        """Whether there is a later one; then it is read anew."""
        if await self._store.greatest_claim([COUNTING]) == generation.claim:
            return False
        self._present = None
        return True

    async def look(self) -> None:
        """Sets `under_way`; once partitions are taken too, as a former owner may have left a recount in the middle.
        Raises as the engine."""
        claim, released = await self._claims()
        self.under_way = claim != released

    async def run(self) -> None:
        """Recounts what shops want otherwise, for ever."""
        backoff = Backoff("recounts")
        while True:
            began = time.monotonic()
            try:
                if self._mine():
                    await self.recount()
            except (EngineUnavailable, EngineError) as error:
                await backoff.pause(error)
                continue  # without a rest: a recount that was begun holds up all orders
            backoff.reset()
            rest = min((time.monotonic() - began) / SHARE, LONGEST_REST_SECONDS)
            # one that was taken over and not released holds up all orders
            await asyncio.sleep(LOOK_SECONDS if self.under_way else max(LOOK_SECONDS, rest))

    async def recount(self, wrong: Collection[str] = ()) -> bool:
        """Whether anything was due; `wrong`: shops that have orders which count otherwise than they do. Raises as the
        engine."""
        async with self._one:
            return await self._recount(wrong)

    async def _recount(self, wrong: Collection[str]) -> bool:
        claim, released = await self._claims()
        wanted = await self._statements.wanted(SHOPS_AT_ONCE, self._waiting())
        if claim == released and not wanted and not wrong:
            self.under_way = False
            return False
        self.under_way = True
        fence = Fence({COUNTING: await self._claim(claim)})
        for batch_id in await self._statements.open_batches(COUNTING.topic):
            await self._finish(batch_id, fence)
        present = await self._statements.present()
        left = {shop for shop, (_, since) in present.items() if since > released}  # by a crash
        for shop in sorted(left.union(wrong)):
            await self._recount_shop(shop, present.get(shop, ("", 0))[0], fence)
        began = time.monotonic()
        for shop, statuses in wanted.items():
            self._begun[shop].append(time.monotonic())
            await self._statements.set(shop, statuses, fence)
            await self._recount_shop(shop, statuses, fence)
            if time.monotonic() - began > HOLD_SECONDS:
                break
        # where another has taken over, what was fenced here is left to it and to those after it
        if await self._store.greatest_claim([COUNTING]) == fence.claims[COUNTING]:
            await self._store.claim([RELEASED], fence.claims[COUNTING])
        await self.look()
        return True

    def _waiting(self) -> list[str]:
        """Shops that had all the recounts that they may have for now."""
        limit = time.monotonic() - RECOUNTS_SECONDS
        for shop, begun in list(self._begun.items()):
            while begun and begun[0] <= limit:
                begun.popleft()
            if not begun:
                del self._begun[shop]
        return [shop for shop, begun in self._begun.items() if len(begun) >= RECOUNTS]

    async def _recount_shop(self, shop: str, statuses: str, fence: Fence) -> None:
        counted = (
            statuses.split(",") if statuses else [s for s in MAY_COUNT if s not in NOT_COUNTED]
        )
        size = self._at_once, self._lines
        total = 0
        while last := await self._statements.until(shop, counted, *size):
            batch_id = self._ids.next()
            await self._store.begin_parts(batch_id, [Part(*COUNTING, 0, 0, 0)])
            written = await self._statements.write(shop, counted, batch_id, fence, last)
            await self._finish(batch_id, fence)
            if not written:  # another has taken over
                return
            total += written
        logger.info("recounted %d orders of shop %s by %s", total, shop, ", ".join(counted))

    async def _finish(self, batch_id: int, fence: Fence) -> None:
        await self._apply(ORDERS, batch_id, fence)
        changed = await self._store.changed(ORDERS, batch_id)
        if await self._store.mark(batch_id, fence):
            self._changed(changed.slots)

    async def with_recount_claim(self, fence: Fence) -> Fence:
        """The claims under which a new owner of partitions finishes a batch of orders: with that of the recounts.

        A recount that is not released finishes open batches too, or its worker is gone: it is taken over, and the next
        one goes on with it. Raises as the engine.
        """
        claim, released = await self._claims()
        if claim != released:
            claim = await self._claim(claim)
        return Fence({**fence.claims, COUNTING: claim})

    async def _claim(self, greatest: int) -> int:
        """A claim above it; returns once every writing statement that ran then is over."""
        claim = self._ids.above(greatest)
        await self._store.claim([COUNTING], claim)
        await wait_for_running_statements(self._store.running)
        return claim

    async def _claims(self) -> tuple[int, int]:
        claim = await self._store.greatest_claim([COUNTING])
        if not claim:  # the first worker of all: a fence is a claim that is there
            await self._store.claim([COUNTING, RELEASED], 1)
            claim = 1
        return claim, await self._store.greatest_claim([RELEASED])
