"""The statements of the pipeline, one method each. Every one but `guarded` may be repeated."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

from clickhouse.client import Engine, External
from clickhouse.client import Settings as EngineSettings
from clickhouse.sql import fill, load
from pipeline.batch import Batch
from pipeline.decode import shape
from pipeline.kinds import KINDS, Kind
from pipeline.numbers import number_at
from shopstream.contracts.cursor import Partition
from shopstream.contracts.inventory import DEFAULT_THRESHOLD
from shopstream.contracts.notices import Progress

LAST_NUMBER = 2**64 - 1
Slots = dict[str, list[int]]
"""Quarters of an hour (Unix seconds) whose numbers changed, by shop."""
POLL_SECONDS = 0.05
OPEN_SECONDS = 30 * 24 * 3600
"""How far back a batch that was begun and not applied is looked for."""

_PLAIN: EngineSettings = {"async_insert": 0}
_PROGRESS = "topic String, partition UInt32, epoch UInt32, next UInt64, as_of DateTime64(6, 'UTC')"
_ONE_BLOCK = 10**9
_STORE: EngineSettings = {
    "async_insert": 0,
    "max_insert_threads": 1,
    # what is repeated differs from what was written: the comparison decides, not a token
    "insert_deduplicate": 0,
    # a backfill may hold orders of every month since 2000
    "max_partitions_per_insert_block": 0,
    # rows that belong together are one block, hence one part: all of them are there, or none
    "max_block_size": 2**20,
    "min_insert_block_size_rows": _ONE_BLOCK,
    "min_insert_block_size_bytes": 0,
}
_APPLY: EngineSettings = {
    "async_insert": 0,
    "max_insert_threads": 1,
    "deduplicate_blocks_in_dependent_materialized_views": 1,
    # a token counts blocks, so the repeat must be cut as the first run was: not at all
    "max_block_size": 2**20,
    "min_insert_block_size_rows": _ONE_BLOCK,
    "min_insert_block_size_bytes": 0,
    "min_insert_block_size_rows_for_materialized_views": _ONE_BLOCK,
    "min_insert_block_size_bytes_for_materialized_views": _ONE_BLOCK,
}


@dataclass(frozen=True, slots=True)
class Fence:
    """Claims of partitions: a statement writes nothing once another worker has claimed one of them."""

    claims: dict[Partition, int]

    def params(self) -> dict[str, Any]:
        """As the statements of sql/flush take them."""
        return {**_arrays(self.claims), "claims": list(self.claims.values())}


async def quiet(running: Callable[[], Awaitable[set[str]]]) -> None:
    """Returns once every statement that runs now is over; `running` asks for their ids, as `Store.running`."""
    waited_for = await running()
    while waited_for:
        await asyncio.sleep(POLL_SECONDS)
        waited_for &= await running()


class Store:
    """One worker's hands on the engine; `worker` is its name in query ids and records.

    Every method raises `EngineUnavailable` and `EngineError` as the engine.
    """

    def __init__(self, engine: Engine, worker: str) -> None:
        self._engine = engine
        self._worker = worker
        self._statements = 0

    async def begin(self, batch: Batch) -> None:
        """Says which partitions the batch holds."""
        parts = [part._asdict() for part in batch.parts]
        row: dict[str, Any] = {
            "batch": batch.number,
            "applied": False,
            "at": datetime.now(UTC),
            "writer": self._worker,
        }
        for name in ("topic", "partition", "epoch", "first", "next"):
            row[f"parts.{name}"] = [part[name] for part in parts]
        await self._engine.insert("batches", pa.Table.from_pylist([row]), _PLAIN)

    async def keep(self, batch: Batch) -> None:
        """Puts the accepted events into the history."""
        if batch.history.num_rows:
            await self._engine.insert("events", batch.history.drop_columns(["key"]), _PLAIN)

    async def moved(self, batch: Batch) -> list[int]:
        """`seq` of the rows whose order exists with another createdAt."""
        keys = batch.staged.select(["seq", "shop_id", "order_id", "created_at"])
        columns = "seq UInt32, shop_id LowCardinality(String), order_id String, created_at DateTime64(6, 'UTC')"
        staged = {"staged": External(columns, keys)}
        rows = await self._engine.rows(load("flush/moved.sql"), external=staged)
        return [row["seq"] for row in rows]

    async def store(self, batch: Batch, fence: Fence) -> None:
        """Writes what is newer than what is stored, with what it supersedes."""
        kind = KINDS[batch.topic]
        select = load(f"store/{kind.name}.sql")
        text = fill(load("flush/store.sql"), table=kind.table, select=select)
        staged = {"staged": External(shape.structure(batch.topic), batch.staged)}
        more = {"default_threshold": DEFAULT_THRESHOLD} if "default_threshold" in select else {}
        await self._execute(text, batch.number, fence, _STORE, staged, more)

    async def apply(self, topic: str, number: int, fence: Fence) -> None:
        """Adds what the batch changed to the windows, once."""
        kind = KINDS[topic]
        if kind.windows:
            token: EngineSettings = {**_APPLY, "insert_deduplication_token": f"batch-{number}"}
            text = fill(load("flush/apply.sql"), table=kind.table, key=kind.key)
            await self._execute(text, number, fence, token)

    async def mark(self, number: int, fence: Fence) -> bool:
        """Says that the batch is applied; False where another worker has claimed its partitions."""
        params = {"batch": number, "writer": self._worker, **fence.params()}
        return await self._engine.execute(load("flush/mark.sql"), params, _PLAIN) == 1

    async def claim(self, places: Iterable[Partition], claim: int) -> None:
        """From now on no statement under an older claim of these partitions writes anything."""
        rows = [
            {"topic": place.topic, "partition": place.partition, "claim": claim} for place in places
        ]
        await self._engine.insert("owners", pa.Table.from_pylist(rows), _PLAIN)

    async def greatest_claim(self, places: Iterable[Partition]) -> int:
        """Of these partitions, by any worker; 0 where there is none."""
        rows = await self._engine.rows(load("flush/greatest_claim.sql"), _arrays(places))
        return int(rows[0]["claim"])

    async def running(self) -> set[str]:
        """Query ids of the pipeline's writing statements, of any worker, that run now."""
        return {row["id"] for row in await self._engine.rows(load("flush/running.sql"))}

    async def open_batches(
        self, places: Iterable[Partition], now: float
    ) -> dict[int, list[Partition]]:
        """Batches with any of these partitions that began and are not applied, with all theirs."""
        params = {"since": number_at(now - OPEN_SECONDS), **_arrays(places)}
        rows = await self._engine.rows(load("flush/open_batches.sql"), params)
        return {
            int(row["batch"]): [Partition(topic, int(number)) for topic, number in row["parts"]]
            for row in rows
        }

    async def save_progress(self, progress: dict[Partition, Progress]) -> None:
        """Keeps how far the reports are, for an API process that starts later."""
        rows = [
            {
                "topic": place.topic,
                "partition": place.partition,
                "epoch": value.epoch,
                "next": value.next,
                "as_of": value.as_of,
            }
            for place, value in progress.items()
        ]
        if rows:
            told = {"told": External(_PROGRESS, pa.Table.from_pylist(rows))}
            await self._engine.execute(load("flush/progress.sql"), None, _PLAIN, external=told)

    async def stored_epochs(self) -> dict[Partition, int]:
        """The epoch that each partition had when its progress was last kept."""
        rows = await self._engine.rows(
            "SELECT topic, partition, argMax(epoch, at) AS epoch FROM progress GROUP BY topic, partition"
        )
        return {Partition(row["topic"], row["partition"]): row["epoch"] for row in rows}

    async def changed(self, topic: str, number: int) -> Slots:
        """Quarters of an hour whose numbers a batch changed, by shop; asked before it is marked.

        A shop without any is one whose reports changed otherwise: the name of a product, say.
        """
        kind = KINDS[topic]
        return await self._changed(kind, number, number) if kind.reports else {}

    async def changed_since(self, seconds: float) -> list[Slots]:
        """The same for every batch from an instant on (Unix time), as far as their rows still stand."""
        kinds = [kind for kind in KINDS.values() if kind.reports]
        return [await self._changed(kind, number_at(seconds), LAST_NUMBER) for kind in kinds]

    async def _changed(self, kind: Kind, first: int, last: int) -> Slots:
        params = {"first": first, "last": last}
        rows = await self._engine.rows(load(f"changed/{kind.name}.sql"), params)
        return {row["shop_id"]: row["slots"] for row in rows}

    async def guarded(
        self, text: str, params: dict[str, Any], external: dict[str, External]
    ) -> int:
        """Runs a statement that new owners wait for; the rows that it wrote."""
        self._statements += 1
        return await self._engine.execute(
            text,
            params,
            _STORE,
            external=external,
            query_id=f"shopstream-{self._worker}-{self._statements}",
        )

    async def _execute(
        self,
        text: str,
        number: int,
        fence: Fence,
        settings: EngineSettings,
        external: dict[str, External] | None = None,
        more: dict[str, Any] | None = None,
    ) -> None:
        self._statements += 1
        await self._engine.execute(
            text,
            {"batch": number, **fence.params(), **(more or {})},
            settings,
            external=external,
            query_id=f"shopstream-{self._worker}-{number}-{self._statements}",
        )


def _arrays(places: Iterable[Partition]) -> dict[str, Any]:
    wanted = list(places)
    return {
        "topics": [place.topic for place in wanted],
        "partitions": [place.partition for place in wanted],
    }
