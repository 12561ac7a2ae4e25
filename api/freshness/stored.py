"""Progress as the pipeline stored it: what an API process knows before the first notice comes."""

import asyncio
import logging
from datetime import UTC, datetime

from api.freshness.tracker import FreshnessTracker
from clickhouse.client import ClickHouseClient, Row
from clickhouse.errors import EngineError, EngineUnavailable
from clickhouse.sql import load
from shopstream.contracts.cursor import Partition
from shopstream.contracts.notices import PipelineState, Progress

log = logging.getLogger(__name__)

AGAIN_SECONDS = 1.0
STORED = "stored"
"""Stands where the name of a worker would."""


async def read_stored_progress(engine: ClickHouseClient, tracker: FreshnessTracker) -> None:
    """Puts the stored progress into the tracker, trying until the engine answers."""
    said = False
    while True:
        try:
            rows = await engine.rows(load("reports/progress.sql"))
        except (EngineUnavailable, EngineError) as error:
            if not said:
                log.warning("stored progress cannot be read yet: %s", error)
            said = True
            await asyncio.sleep(AGAIN_SECONDS)
        else:
            tracker.observe(PipelineState(STORED, dict(map(_progress, rows))), replayed=True)
            return


def _progress(row: Row) -> tuple[Partition, Progress]:
    as_of = datetime.fromisoformat(row["as_of"]).replace(tzinfo=UTC)
    return Partition(row["topic"], row["partition"]), Progress(row["epoch"], row["next"], as_of)
