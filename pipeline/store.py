"""The statements of the pipeline, one method each. Every one but `execute_tracked` may be repeated."""

import asyncio
from collections.abc import Collection, Coroutine, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from clickhouse.client import ClickHouseClient, External
from clickhouse.client import Settings as EngineSettings
from clickhouse.sql import load
from pipeline.batch import Batch
from pipeline.decode import Part, shape
from pipeline.earliest_orders import EarliestOrders
from pipeline.fence import Fence, partition_params
from pipeline.flush_statements import (
    APPLY,
    BY_BATCH,
    DISTINCT,
    FORMER,
    LOOK_UP,
    PLAIN,
    RARE,
    SMALL,
    SMALL_ROWS,
    SOON,
    STORE,
    apply_statement,
    is_plain,
    store_statement,
)
from pipeline.snowflake import first_id_at
from pipeline.topic_specs import TOPIC_SPECS, TopicSpec
from shopstream.contracts.cursor import Partition
from shopstream.contracts.inventory import DEFAULT_THRESHOLD
from shopstream.contracts.topics import ORDERS

LAST_NUMBER = 2**64 - 1
Slots = dict[str, list[int]]
"""15-minute buckets (their start in Unix seconds) whose numbers changed, by shop."""
OPEN_SECONDS = 30 * 24 * 3600
"""How far back a batch that was begun and not applied is looked for."""

_IDENTIFYING = frozenset(
    ("seq", "shop_id", "event_id", "source", "order_id", "created_at", "updated_at", "revision")
)
"""Staged columns that say of which order an event is, and when."""


class Conflicts(NamedTuple):
    """What a batch of orders meets: the first accepted createdAt (Unix microseconds), by `seq` of the rows that came
    with another one; whether it has orders that are not stored, and some that are; and whether it may have several
    events of one order at one instant, which arrival decides."""

    first: dict[int, int]
    new: bool
    stored: bool = True
    equal: bool = True


class Changed(NamedTuple):
    """15-minute buckets whose numbers a batch changed, by shop; a shop without any is one whose reports changed
    otherwise: the name of a product, say. `parts`: whether an order of the batch, or what it supersedes, may have
    refunds with ids or parts of its total."""

    slots: Slots
    parts: bool = True


Lookups = Mapping[str, Collection[str] | None]
"""Look-up tables, each with the shops whose rows in it may change; None: any of the batch."""


class Known(NamedTuple):
    """What the try that stored a batch knows of it: the look-up tables that it may change, whether it has few rows, and
    `parts` as of `Changed`."""

    lookups: Collection[str]
    small: bool
    parts: bool


class Store:
    """What one worker reads and writes in ClickHouse; `worker` is its name in query ids and records.

    Every method raises `EngineUnavailable` and `EngineError` as the client.
    """

    def __init__(self, engine: ClickHouseClient, worker: str) -> None:
        self.engine = engine
        self._worker = worker
        self._statements = 0
        self._earliest = EarliestOrders(engine)

    async def begin(self, batch: Batch) -> None:
        """Inserts the batch as not yet applied, with the offsets of each of its partitions."""
        await self.begin_parts(batch.id, batch.parts)

    async def begin_parts(self, batch_id: int, held: Iterable[Part]) -> None:
        """The same by its id and parts."""
        parts = [part._asdict() for part in held]
        row: dict[str, Any] = {
            "batch": batch_id,
            "applied": False,
            "at": datetime.now(UTC),
            "writer": self._worker,
            "markers": True,
        }
        for name in ("topic", "partition", "epoch", "first", "next"):
            row[f"parts.{name}"] = [part[name] for part in parts]
        await self.engine.insert("batches", pa.Table.from_pylist([row]), {**PLAIN, **SOON})

    async def store_history(self, batch: Batch) -> None:
        """Inserts the accepted events into the table `events`."""
        if batch.history.num_rows:
            soon = SOON if _small(batch) else {}
            await self.engine.insert("events", batch.history, {**PLAIN, **soon})

    async def created_at_conflicts(self, batch: Batch) -> Conflicts:
        """Of a batch of orders, with what is stored and within itself."""
        rest = frozenset(batch.staged.column_names) - _IDENTIFYING
        columns = shape.structure(ORDERS, rest)
        staged = {"staged": External(columns, batch.staged.drop_columns(list(rest)))}
        text = load("flush/created_at_conflicts.sql")
        (row,) = await self.engine.rows(text, None, _small(batch), external=staged)
        first = {int(seq): int(micros) for seq, micros in row["conflicts"]}
        return Conflicts(first, bool(row["new"]), bool(row["stored"]), bool(row["equal"]))

    async def store(self, batch: Batch, fence: Fence, equal: bool = True) -> int:
        """Step 2 of a batch: writes what is newer than what is stored, with what it supersedes; how many rows. `equal`
        as of `Conflicts`."""
        plain = batch.topic == ORDERS and is_plain(batch.staged)
        absent = frozenset(RARE if plain else ())
        own = _own_counting(batch, fence)
        text = store_statement(TOPIC_SPECS[batch.topic], plain, equal, bool(own))
        columns = shape.structure(batch.topic, absent)
        staged = {"staged": External(columns, batch.staged.drop_columns(list(absent)))}
        more: dict[str, Any] = {}
        if own:
            pairs = [
                {"shop_id": shop, "status": one} for shop in own for one in fence.counted[shop]
            ]
            staged["counting"] = External(
                "shop_id String, status String", pa.Table.from_pylist(pairs)
            )
        if "{default_threshold:" in text:
            more["default_threshold"] = DEFAULT_THRESHOLD
        return await self.execute_for_batch(
            text, batch.id, fence, {**STORE, **DISTINCT, **_small(batch)}, staged, more
        )

    async def lookups(self, batch: Batch, new: bool, stored: bool = True) -> Lookups:
        """The look-up tables that a batch may change, `new` and `stored` as of `Conflicts`.

        An order without names takes back those of its stored version. The earliest order of a shop only ever becomes
        earlier, so a later one is known not to be it.
        """
        wanted: dict[str, Collection[str] | None] = dict.fromkeys(TOPIC_SPECS[batch.topic].lookups)
        if batch.topic != ORDERS:
            return wanted
        if not new:
            del wanted["order_places"]
        if (
            not stored
            and not pc.any(pc.is_valid(pc.list_flatten(batch.staged["item_name"]))).as_py()
        ):
            del wanted["product_names"]
        if earliest := await self._earliest.may_have(batch.staged, _small(batch)):
            wanted["first_orders"] = earliest
        else:
            del wanted["first_orders"]
        return wanted

    async def apply(
        self,
        topic: str,
        batch_id: int,
        fence: Fence,
        known: Known | None = None,
    ) -> None:
        """Step 3 of a batch: adds what it changed to the windows, once, and to look-up tables. `known`: where this is
        the try that stored it, the only one."""
        spec = TOPIC_SPECS[topic]
        wanted = known.lookups if known else spec.lookups
        small = known is not None and known.small
        settings = SMALL if small else {}
        calls = [self._look_up(name, batch_id, settings) for name in wanted]
        if spec.window:
            summed = DISTINCT if topic == ORDERS and not small else {}
            former = not known and await self._is_former(batch_id)
            token = {**FORMER, "insert_deduplication_token": f"batch-{batch_id}"} if former else {}
            text = apply_statement(spec, known is not None, not known or known.parts, small, former)
            calls.append(
                self.execute_for_batch(
                    text, batch_id, fence, {**APPLY, **summed, **settings, **token}
                )
            )
        await all_of(*calls)

    async def _is_former(self, batch_id: int) -> bool:
        """Whether a version before commit markers began the batch: windows may have it without one."""
        (row,) = await self.engine.rows(load("flush/is_former.sql"), {"batch": batch_id})
        return bool(row["former"])

    async def _look_up(self, name: str, batch_id: int, settings: EngineSettings) -> int:
        """Without fence and token: what it writes follows from stored rows, and may be there twice."""
        return await self.engine.execute(
            load(f"apply/{name}.sql"), {"batch": batch_id}, {**LOOK_UP, **settings}
        )

    async def mark(self, batch_id: int, fence: Fence) -> bool:
        """Inserts the batch as applied; False where another worker has claimed its partitions."""
        params = {"batch": batch_id, "writer": self._worker, **fence.params()}
        return await self.engine.execute(load("flush/mark.sql"), params, {**PLAIN, **SMALL}) == 1

    async def claim(self, partitions: Iterable[Partition], claim: int) -> None:
        """From now on no statement under an older claim of these partitions writes anything."""
        rows = [
            {"topic": topic, "partition": partition, "claim": claim}
            for topic, partition in partitions
        ]
        await self.engine.insert("owners", pa.Table.from_pylist(rows), PLAIN)

    async def greatest_claim(self, partitions: Iterable[Partition]) -> int:
        """Of these partitions, by any worker; 0 where there is none."""
        return max(await self.greatest_claims(partitions), default=0)

    async def greatest_claims(self, partitions: Iterable[Partition]) -> set[int]:
        """The greatest claim of each of these partitions that has one, by any worker."""
        rows = await self.engine.rows(
            load("flush/greatest_claims.sql"), partition_params(partitions)
        )
        return {row["claim"] for row in rows}

    async def running(self) -> set[str]:
        """Query ids of the pipeline's writing statements, of any worker, that run now."""
        return {row["id"] for row in await self.engine.rows(load("flush/running.sql"))}

    async def open_batches(
        self, partitions: Iterable[Partition], now: float
    ) -> dict[int, list[Partition]]:
        """Batches with any of these partitions that are not applied: all partitions of each by its id.

        Of the last 30 days before `now` (Unix time).
        """
        params = {"since": first_id_at(now - OPEN_SECONDS), **partition_params(partitions)}
        rows = await self.engine.rows(load("flush/open_batches.sql"), params)
        return {
            int(row["batch"]): [
                Partition(topic, int(partition)) for topic, partition in row["parts"]
            ]
            for row in rows
        }

    async def changed(self, topic: str, batch_id: int, small: bool = False) -> Changed:
        """What a batch changed; asked before it is marked."""
        spec = TOPIC_SPECS[topic]
        settings = {**BY_BATCH, **(SMALL if small else {})}
        if topic == ORDERS:
            text = load("flush/changed_orders.sql")
            rows = await self.engine.rows(text, {"batch": batch_id}, settings)
            if not any(row["parts"] for row in rows):
                slots = {row["shop_id"]: row["slots"] for row in rows if row["slots"]}
                return Changed(slots, parts=False)
        slots = await self._changed(spec, batch_id, batch_id, settings) if spec.reports else {}
        return Changed(slots)

    async def changed_since(self, seconds: float) -> list[Slots]:
        """The same for every batch from an instant on (Unix time), as far as their rows still stand."""
        specs = [spec for spec in TOPIC_SPECS.values() if spec.reports]
        return [await self._changed(spec, first_id_at(seconds), LAST_NUMBER) for spec in specs]

    async def _changed(
        self, spec: TopicSpec, first: int, last: int, settings: EngineSettings = BY_BATCH
    ) -> Slots:
        params = {"first": first, "last": last}
        rows = await self.engine.rows(load(f"changed/{spec.name}.sql"), params, settings)
        return {row["shop_id"]: row["slots"] for row in rows}

    async def execute_tracked(
        self, text: str, params: dict[str, Any], external: dict[str, External]
    ) -> int:
        """Runs a statement that new owners wait for; how many rows it wrote."""
        self._statements += 1
        return await self.engine.execute(
            text,
            params,
            STORE,
            external=external,
            query_id=f"shopstream-{self._worker}-{self._statements}",
        )

    async def execute_for_batch(
        self,
        text: str,
        batch_id: int,
        fence: Fence,
        settings: EngineSettings,
        external: dict[str, External] | None = None,
        more: dict[str, Any] | None = None,
    ) -> int:
        """The same of a batch, under its claims; `more` parameters."""
        self._statements += 1
        return await self.engine.execute(
            text,
            {"batch": batch_id, **fence.params(), **(more or {})},
            settings,
            external=external,
            query_id=f"shopstream-{self._worker}-{batch_id}-{self._statements}",
        )


async def all_of(*calls: Coroutine[Any, Any, Any]) -> list[Any]:
    """The results of calls made at once; where one fails, after the others have ended too.

    Nothing of a failed try may still be under way when the next begins.
    """
    results = await asyncio.gather(*calls, return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return results


def _own_counting(batch: Batch, fence: Fence) -> set[str]:
    """Shops of a batch of orders that have statuses of their own which count."""
    if batch.topic != ORDERS or not fence.counted:
        return set()
    return fence.counted.keys() & set(pc.unique(batch.staged["shop_id"]).to_pylist())


def _small(batch: Batch) -> EngineSettings:
    return SMALL if batch.staged.num_rows <= SMALL_ROWS else {}
