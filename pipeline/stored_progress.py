"""How far the reports are, as ClickHouse keeps it."""

import pyarrow as pa

from clickhouse.client import ClickHouseClient, External
from clickhouse.errors import NOT_MIGRATED, EngineError, EngineUnavailable
from clickhouse.migrations import all_migrations
from clickhouse.sql import load
from pipeline.flush_statements import PLAIN
from shopstream.contracts.cursor import Partition
from shopstream.contracts.notices import Progress

_PROGRESS = "topic String, partition UInt32, epoch UInt32, next UInt64, as_of DateTime64(6, 'UTC')"


class StoredProgress:
    """Every method raises `EngineUnavailable` and `EngineError` as the client."""

    def __init__(self, engine: ClickHouseClient) -> None:
        self._engine = engine

    async def save(self, progress: dict[Partition, Progress]) -> None:
        """Inserts how far the reports are, for an API process that starts later."""
        rows = [
            {
                "topic": partition.topic,
                "partition": partition.partition,
                "epoch": value.epoch,
                "next": value.next,
                "as_of": value.as_of,
            }
            for partition, value in progress.items()
        ]
        if rows:
            saved = {"saved": External(_PROGRESS, pa.Table.from_pylist(rows))}
            await self._engine.execute(load("flush/progress.sql"), None, PLAIN, external=saved)

    async def epochs(self) -> dict[Partition, int]:
        """The epoch that each partition had when its progress was last saved.

        Raises:
            EngineUnavailable: also where `shopstream migrate` has not brought the tables to this version yet.
        """
        try:
            ran = {
                row["number"] for row in await self._engine.rows("SELECT number FROM migrations")
            }
            if missing := [each.name for each in all_migrations() if each.number not in ran]:
                raise EngineUnavailable(f"shopstream migrate has not run: {missing[0]} is missing")
            rows = await self._engine.rows(
                "SELECT topic, partition, argMax(epoch, at) AS epoch FROM progress GROUP BY topic, partition"
            )
        except EngineError as error:
            if error.code not in NOT_MIGRATED:
                raise
            raise EngineUnavailable(str(error)) from error
        return {Partition(row["topic"], row["partition"]): row["epoch"] for row in rows}
