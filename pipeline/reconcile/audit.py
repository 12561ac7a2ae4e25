"""Finds numbers that are not what the versions say, and repairs them, while workers write.

A difference counts where no batch was in flight for its key. One comparison:

1. Note the time of ClickHouse. 2. Compare. 3. Ask which batches were open since 1, and which keys their rows change:
   those are left for the next time, as the comparison may have seen half of such a batch.

A gap that stands over `ROUNDS` comparisons is a fault: no worker in the middle of a batch is behind it. What is missing
is then added as a row, which is right whenever it is written, as windows are sums; orders that should count, or should
not, are recounted (`counted_statuses.py`). Only one auditor writes: each claims the audit as workers claim partitions,
waits until no statement of another runs, and its rows go in only while its claim is the greatest. A row that may or may
not have been written is never written again: the next comparison shows it.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from dataclasses import dataclass

import pyarrow as pa

from clickhouse.client import ClickHouseClient, External
from clickhouse.differences import Difference
from clickhouse.sql import fill, load
from clickhouse.window_comparison import LISTED, Scope, compare
from clickhouse.windows import MARKERS, WINDOWS, Window
from pipeline.fence import Fence, wait_for_running_statements
from pipeline.reconcile import repairs
from pipeline.snowflake import Snowflake, first_id_at
from pipeline.store import OPEN_SECONDS, Store
from shopstream.contracts.cursor import Partition

logger = logging.getLogger(__name__)

AUDIT = Partition("shopstream.audit", 0)
"""What an auditor claims: no topic, but stored beside the claims of partitions."""
ROUNDS = 3
PAUSE_SECONDS = 0.3
DAY_SECONDS = 24 * 3600
LOGGED = 20
SPENT_MARKERS = 1_000_000
SPENT_SECONDS = OPEN_SECONDS + DAY_SECONDS
"""So long ago a batch began whose marker nobody looks for. That of one that was found open at the last moment is looked
for later, and by the clock of another host."""


class Superseded(Exception):
    """Another auditor has taken over."""


@dataclass(frozen=True, slots=True)
class Found:
    """Of one step: rows compared, rows repaired, and how many could not be judged yet."""

    rows: int
    repaired: tuple[Difference, ...]
    unverified: int


Steps = Sequence[tuple[str, Scope]]
"""Tables, and what of each is compared in one step."""
Advance = Callable[[int, int, int], None]
"""Gets how many steps of how many are done, and how many rows were repaired so far."""
Recount = Callable[[Collection[str]], Awaitable[object]]
"""Writes the orders of these shops again that count otherwise than their shop does."""


@dataclass(slots=True)
class Totals:
    """Rows of all steps: compared, repaired, and those that could not be judged."""

    compared: int = 0
    repaired: int = 0
    unverified: int = 0


async def run_steps(
    steps: Steps,
    step: Callable[[str, Scope], Awaitable[Found]],
    advance: Advance = lambda done, of, repaired: None,
) -> Totals:
    """Compares and repairs one step after the other by `step`; raises what that raises."""
    totals = Totals()
    for done, (table, scope) in enumerate(steps):
        advance(done, len(steps), totals.repaired)
        found = await step(table, scope)
        totals.compared += found.rows
        totals.repaired += len(found.repaired)
        totals.unverified += found.unverified
    advance(len(steps), len(steps), totals.repaired)
    return totals


async def end_sweep(engine: ClickHouseClient, totals: Totals) -> None:
    """Inserts into table `sweeps` that everything was compared. Deletes commit markers that nobody looks for any more,
    once many have gathered: a deletion touches each part that has one."""
    row = pa.table({"compared": [totals.compared], "repaired": [totals.repaired]})
    await engine.insert("sweeps", row, {"async_insert": 0})
    before = {"before": first_id_at(time.time() - SPENT_SECONDS)}
    for table, marker in MARKERS.items():
        (found,) = await engine.rows(
            f"SELECT count() AS spent FROM {table} WHERE {marker.spent}", before
        )
        if found["spent"] >= SPENT_MARKERS:
            await engine.execute(f"DELETE FROM {table} WHERE {marker.spent}", before)


class Audit:
    """One auditor. `claim` before the first `step`; a `step` may raise `Superseded` at any time.

    Every method raises `EngineUnavailable` and `EngineError` as the client.
    """

    def __init__(
        self, engine: ClickHouseClient, store: Store, ids: Snowflake, recount: Recount
    ) -> None:
        self._engine = engine
        self._store = store
        self._ids = ids
        self._recount = recount
        self._fence: Fence | None = None

    async def claim(self) -> None:
        """From now on no other auditor writes."""
        claim = self._ids.above(await self._store.greatest_claim([AUDIT]))
        await self._store.claim([AUDIT], claim)
        await wait_for_running_statements(self._store.running)
        self._fence = Fence({AUDIT: claim})

    async def foreign_claim(self) -> int:
        """The greatest claim where it is not ours, else 0."""
        greatest = await self._store.greatest_claim([AUDIT])
        return 0 if self._fence and greatest == self._fence.claims[AUDIT] else greatest

    async def step(self, table: str, scope: Scope, limit: int = LISTED) -> Found:
        """Compares a table, at most `limit` differences of it, and repairs those that last."""
        rows, lasting, unverified = 0, frozenset[Difference](), 0
        for number in range(ROUNDS):
            (row,) = await self._engine.rows("SELECT toString(now64(3, 'UTC')) AS at")
            found = await compare(self._engine, table, scope, limit)
            rows = rows or found.rows
            # a batch may wait for the engine, or for its next owner, since long ago: all are asked for before a repair
            age = DAY_SECONDS if number < ROUNDS - 1 else OPEN_SECONDS
            verified = await self._verified(table, found.differences, row["at"], age)
            unverified = len(found.differences) - len(verified)
            gaps = {one.gap for one in lasting}
            lasting = frozenset(one for one in verified if not number or one.gap in gaps)
            if not lasting:
                return Found(rows, (), unverified)
            await asyncio.sleep(PAUSE_SECONDS)
        repaired = tuple(sorted(lasting, key=lambda one: one.key))
        await self._repair(table, repaired)
        return Found(rows, repaired, unverified)

    async def _verified(
        self, table: str, differences: frozenset[Difference], since: str, age: int
    ) -> frozenset[Difference]:
        """Those whose key no batch changes that was in flight since then, of those begun in `age` seconds before."""
        if not differences:
            return differences
        first = first_id_at(repairs.seconds(since) - age)
        params = {"since_number": first, "since": since}
        rows = await self._engine.rows(load("audit/in_flight.sql"), params)
        if not rows:
            return differences
        changed = await self._changed_keys(table, [row["batch"] for row in rows])
        return frozenset(one for one in differences if one.key not in changed)

    async def _changed_keys(self, table: str, batches: list[int]) -> set[tuple[str, ...]]:
        window = WINDOWS.get(table)
        text = changed_keys(window) if window else load(f"changed_keys/{table}.sql")
        ids = External("batch UInt64", pa.table({"batch": pa.array(batches, pa.uint64())}))
        rows = await self._engine.rows(text, external={"in_flight": ids})
        return {tuple(row["key"]) for row in rows}

    async def _repair(self, table: str, differences: tuple[Difference, ...]) -> None:
        for one in differences[:LOGGED]:
            logger.error("audit repairs %s", one)
        logger.error("audit found %d wrong rows in %s", len(differences), table)
        window = WINDOWS.get(table)
        if table == "orders":
            await self._recount({one.key[0] for one in differences})
        elif window is None:
            await repairs.rewrite_texts(self._engine, table, differences)
        else:
            await self._add(window, differences)
        await self._engine.insert("repairs", repairs.log(differences), {"async_insert": 0})

    async def _add(self, window: Window, differences: Iterable[Difference]) -> None:
        assert self._fence is not None, "claim the audit first"
        fixes = repairs.fixes(window, differences)
        columns = window.columns()
        written = await self._store.execute_tracked(
            fill(
                load("audit/repair.sql"),
                window=window.table,
                columns=", ".join(columns),
                values=", ".join(columns.values()),
            ),
            self._fence.params(),
            {"fixes": External(repairs.structure(window), fixes)},
        )
        if not written:
            raise Superseded("another auditor has taken over")


def changed_keys(window: Window) -> str:
    """Keys that the batches in `in_flight` change: by the statement that feeds the window, over their rows."""
    rows = f"(SELECT * FROM {window.source} WHERE batch IN (SELECT batch FROM in_flight))"
    return fill(
        load("changed_keys/window.sql"),
        key_texts=", ".join(f"toString({name})" for name in window.keys),
        changes=fill(window.changes(), rows=rows),
    )
