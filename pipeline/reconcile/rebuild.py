"""`shopstream rebuild`: an auditor by hand."""

import asyncio
from datetime import UTC, datetime
from typing import NamedTuple

from clickhouse.client import BEHIND_REPORTS, Address, Engine
from clickhouse.compare import TIMEOUT_SECONDS
from pipeline.producer import Producer
from pipeline.reconcile.audit import Audit
from pipeline.reconcile.auditor import Step, rebuild
from pipeline.snowflake import Snowflake
from pipeline.store import Store
from shopstream.broker import BrokerUnreachable
from shopstream.contracts.notices import PipelineState, pipeline_progress
from shopstream.settings import Settings


class Rebuilt(NamedTuple):
    """Rows that were made good, and rows that could not be judged; whether the API processes were told over Kafka."""

    repaired: int
    doubtful: int
    told: bool


def run(settings: Settings, advance: Step) -> Rebuilt:
    """Rebuilds, and in the end, also where it fails on the way, tells the API processes that anything may have
    changed. What they read meanwhile may mix numbers from before and after.

    Raises:
        EngineUnavailable, EngineError: as the engine.
    """
    return asyncio.run(_run(settings, advance))


async def _run(settings: Settings, advance: Step) -> Rebuilt:
    address = Address.parse(settings.clickhouse_url.get_secret_value())
    numbers = Snowflake()
    name = f"rebuild-{numbers.writer:06x}"
    async with Engine(address, timeout=TIMEOUT_SECONDS, settings=BEHIND_REPORTS) as engine:
        try:
            store = Store(engine, name)
            repaired, doubtful = await rebuild(engine, Audit(engine, store, numbers), advance)
        finally:
            told = await _tell(settings, name, numbers.next())
    return Rebuilt(repaired, doubtful, told)


async def _tell(settings: Settings, name: str, number: int) -> bool:
    producer = Producer(settings)
    event = pipeline_progress(PipelineState(name, {}), f"{number:x}", datetime.now(UTC))
    try:
        await producer.notices([(None, event)])
    except BrokerUnreachable:
        return False
    finally:
        await producer.close()
    return True
