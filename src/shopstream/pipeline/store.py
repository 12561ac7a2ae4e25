"""The statements of a flush, one method each. Every one may be repeated."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

from shopstream.clickhouse.client import Engine, External
from shopstream.clickhouse.client import Settings as EngineSettings
from shopstream.clickhouse.sql import load
from shopstream.contracts.cursor import Partition
from shopstream.contracts.notices import Progress
from shopstream.pipeline.batch import Batch
from shopstream.pipeline.numbers import number_at

LAST_NUMBER = 2**64 - 1
Dates = dict[str, list[str]]
OPEN_SECONDS = 30 * 24 * 3600
"""How far back a batch that was begun and not applied is looked for."""

_PLAIN: EngineSettings = {"async_insert": 0}
_STORE: EngineSettings = {
    "async_insert": 0,
    "max_insert_threads": 1,
    # what is repeated differs from what was written: the comparison decides, not a token
    "insert_deduplicate": 0,
    # a backfill may hold orders of every month since 2000
    "max_partitions_per_insert_block": 0,
}
_ONE_BLOCK = 10**9
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


class Store:
    """One worker's hands on the engine; `worker` is its name in query ids and records."""

    def __init__(self, engine: Engine, worker: str) -> None:
        self._engine = engine
        self._worker = worker
        self._columns = load("flush/staged.columns").strip()
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
        """Writes each order that is newer than what is stored, with what it supersedes."""
        staged = {"staged": External(self._columns, batch.staged)}
        await self._execute("flush/store.sql", batch.number, fence, _STORE, staged)

    async def apply(self, number: int, fence: Fence) -> None:
        """Adds what the batch changed to the windows, once."""
        token: EngineSettings = {**_APPLY, "insert_deduplication_token": f"batch-{number}"}
        await self._execute("flush/apply.sql", number, fence, token)

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
        now = datetime.now(UTC)
        rows = [
            {
                "topic": place.topic,
                "partition": place.partition,
                "epoch": value.epoch,
                "next": value.next,
                "as_of": value.as_of,
                "at": now,
            }
            for place, value in progress.items()
        ]
        if rows:
            await self._engine.insert("progress", pa.Table.from_pylist(rows), _PLAIN)

    async def stored_epochs(self) -> dict[Partition, int]:
        """The epoch that each partition had when its progress was last kept."""
        rows = await self._engine.rows(
            "SELECT topic, partition, argMax(epoch, at) AS epoch FROM progress GROUP BY topic, partition"
        )
        return {Partition(row["topic"], row["partition"]): row["epoch"] for row in rows}

    async def changed(self, number: int) -> Dates:
        """Local dates (ISO) whose numbers a batch changed, by shop; asked before it is marked."""
        return await self._changed(number, number)

    async def changed_since(self, seconds: float) -> Dates:
        """The same for every batch from an instant on (Unix time), as far as their rows still stand."""
        return await self._changed(number_at(seconds), LAST_NUMBER)

    async def _changed(self, first: int, last: int) -> Dates:
        params = {"first": first, "last": last}
        rows = await self._engine.rows(load("flush/changed.sql"), params)
        return {row["shop_id"]: row["dates"] for row in rows}

    async def _execute(
        self,
        statement: str,
        number: int,
        fence: Fence,
        settings: EngineSettings,
        external: dict[str, External] | None = None,
    ) -> None:
        self._statements += 1
        await self._engine.execute(
            load(statement),
            {"batch": number, **fence.params()},
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
