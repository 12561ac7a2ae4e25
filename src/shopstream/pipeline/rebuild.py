"""`shopstream rebuild`: an auditor by hand."""

import asyncio

from shopstream.clickhouse.client import BEHIND_REPORTS, Address, Engine
from shopstream.clickhouse.compare import TIMEOUT_SECONDS
from shopstream.pipeline.audit import Audit
from shopstream.pipeline.auditor import Step, rebuild
from shopstream.pipeline.numbers import Numbers
from shopstream.pipeline.store import Store
from shopstream.settings import Settings


def run(settings: Settings, advance: Step) -> tuple[int, int]:
    """Rows that were made good, and rows that could not be judged.

    Raises:
        EngineUnavailable, EngineError: as the engine.
    """
    return asyncio.run(_run(settings, advance))


async def _run(settings: Settings, advance: Step) -> tuple[int, int]:
    address = Address.parse(settings.clickhouse_url.get_secret_value())
    numbers = Numbers()
    async with Engine(address, timeout=TIMEOUT_SECONDS, settings=BEHIND_REPORTS) as engine:
        store = Store(engine, f"rebuild-{numbers.writer:06x}")
        return await rebuild(engine, Audit(engine, store, numbers), advance)
