"""One engine for the tests of this folder, which write batches into it step by step."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from clickhouse import verify as verify_module
from clickhouse.client import Address, ClickHouseClient
from clickhouse.migrations import migrate_engine
from pipeline.reconcile import audit as audit_module
from pipeline.store import Store
from support.engine_bench import Bench
from support.system import System


@pytest.fixture(scope="package")
async def engine(
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[tuple[System, ClickHouseClient]]:
    with System(Path(tmp_path_factory.mktemp("engine"))) as system:
        await asyncio.to_thread(
            system.start_engine
        )  # the first one migrates, in an event loop of its own
        address = Address.parse(system.settings.clickhouse_url.get_secret_value())
        await migrate_engine(address)
        async with ClickHouseClient(address) as engine:
            yield system, engine


@pytest.fixture
async def bench(engine: tuple[System, ClickHouseClient], monkeypatch: pytest.MonkeyPatch) -> Bench:
    """With every table empty. What differs is compared again at once: no worker writes meanwhile."""
    monkeypatch.setattr(verify_module, "PAUSE_SECONDS", 0.0)
    monkeypatch.setattr(audit_module, "PAUSE_SECONDS", 0.0)
    system, client = engine
    tables = system.sql.rows(
        "SELECT DISTINCT table FROM system.parts WHERE database = 'shopstream' AND active"
        " AND table NOT IN ('migrations', 'zone_offsets')"
    )
    for (name,) in tables:
        system.sql.text(f"TRUNCATE TABLE {name}")
    return Bench(system, client, Store(client, "one"))
