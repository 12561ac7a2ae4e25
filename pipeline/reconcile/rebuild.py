"""`shopstream rebuild`: makes every aggregate what the versions say, while workers write."""

import asyncio
from datetime import UTC, datetime
from functools import partial

from clickhouse.client import BEHIND_REPORTS, Address, ClickHouseClient
from clickhouse.differences import Difference
from clickhouse.verify import steps
from clickhouse.window_comparison import TIMEOUT_SECONDS, Scope
from pipeline.counted_statuses import CountedStatuses
from pipeline.producer import Producer
from pipeline.reconcile.audit import (
    Advance,
    Audit,
    Found,
    Superseded,
    Totals,
    end_sweep,
    run_steps,
)
from pipeline.snowflake import Snowflake
from pipeline.store import Store
from shopstream.broker import BrokerUnreachable
from shopstream.contracts.notices import PipelineState, pipeline_progress
from shopstream.contracts.topics import NOTICES
from shopstream.settings import Settings

TRIES = 20
LIMIT = 100_000
"""Rows that one comparison repairs."""


def run(settings: Settings, advance: Advance) -> tuple[Totals, bool]:
    """Rebuilds, and in the end, also where it fails on the way, notifies the API processes that anything may have
    changed. What they read meanwhile may mix numbers from before and after. Rows that could not be judged were written
    all the time; False where the processes could not be notified over Kafka.

    Raises:
        EngineUnavailable, EngineError: as the client.
    """
    return asyncio.run(_run(settings, advance))


async def rebuild(engine: ClickHouseClient, audit: Audit, advance: Advance) -> Totals:
    """Compares and repairs everything, however much is missing.

    Raises:
        EngineUnavailable, EngineError: as the client.
    """
    todo = await steps(engine)
    await audit.claim()
    totals = await run_steps(todo, partial(_until_right, audit), advance)
    await end_sweep(engine, totals)
    return totals


async def _until_right(audit: Audit, table: str, scope: Scope) -> Found:
    rows, repaired, unverified = 0, list[Difference](), 0
    for _ in range(TRIES):
        found = await _claimed_step(audit, table, scope)
        rows = rows or found.rows
        repaired += found.repaired
        unverified = found.unverified
        if not found.repaired and not unverified:
            break
    return Found(rows, tuple(repaired), unverified)


async def _claimed_step(audit: Audit, table: str, scope: Scope) -> Found:
    while True:
        try:
            return await audit.step(table, scope, LIMIT)
        except Superseded:
            await audit.claim()


async def _run(settings: Settings, advance: Advance) -> tuple[Totals, bool]:
    address = Address.parse(settings.clickhouse_url.get_secret_value())
    ids = Snowflake()
    name = f"rebuild-{ids.writer:06x}"
    async with ClickHouseClient(
        address, timeout=TIMEOUT_SECONDS, settings=BEHIND_REPORTS
    ) as engine:
        try:
            store = Store(engine, name)
            counting = CountedStatuses(store, ids, store.apply, lambda _: None, lambda: True)
            totals = await rebuild(engine, Audit(engine, store, ids, counting.recount), advance)
        finally:
            notified = await _notify(settings, name, ids.next())
    return totals, notified


async def _notify(settings: Settings, name: str, event_id: int) -> bool:
    producer = Producer(settings)
    event = pipeline_progress(PipelineState(name, {}), f"{event_id:x}", datetime.now(UTC))
    try:
        await producer.send(NOTICES, [(None, event)])
    except BrokerUnreachable:
        return False
    finally:
        await producer.close()
    return True
