"""A data directory of the version before, with a table for each window of orders, becomes one of this version."""

from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pytest

from clickhouse import migrations
from clickhouse.client import Address, ClickHouseClient, Settings
from clickhouse.errors import NOT_MIGRATED, EngineError, EngineUnavailable
from clickhouse.migrations import all_migrations, migrate_engine
from clickhouse.sql import fill, load
from clickhouse.verify import verify_engine
from clickhouse.windows import MARKERS
from pipeline.batch import Batch
from pipeline.fence import Fence
from pipeline.flush_statements import APPLY, FORMER, apply_statement
from pipeline.store import Store
from pipeline.stored_progress import StoredProgress
from pipeline.topic_specs import TOPIC_SPECS
from shopstream.contracts.cursor import Partition
from shopstream.contracts.topics import ORDERS
from support.engine import ClickHouseServer
from support.engine_bench import ADDING, PAIRS, Bench
from support.events import Sent, item, order, record

MARKERS_NEW = tuple(range(250, 257))
NEW = (
    *(127, 128, 129, *range(150, 156), *range(180, 196), 218, 232, 233, 234, 236, 240, 241),
    *MARKERS_NEW,
)
FORMER_WINDOWS = ("sales_15m", "product_15m", "product_day", "product_month")


class Former(ClickHouseClient):
    """Of a version before commit markers: what it begins does not say that it has them."""

    async def insert(self, table: str, rows: pa.Table, settings: Settings | None = None) -> None:
        there = "SELECT 1 FROM system.columns WHERE table = 'batches' AND name = 'markers'"
        if table == "batches" and not await self.rows(there):
            rows = rows.drop_columns(["markers"])
        await super().insert(table, rows, settings)


@pytest.fixture(params=[NEW])
async def former(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[Bench, Address]]:
    """Migrated as far as the version before goes, without the migrations that are new."""
    server = ClickHouseServer(tmp_path)
    server.start()
    try:
        address = Address.parse(server.url())
        every = [
            each
            for each in all_migrations()
            if each.number < 300 and each.number not in request.param
        ]
        with monkeypatch.context() as context:
            context.setattr(migrations, "all_migrations", lambda: every)
            await migrate_engine(address)
        # to_payments_15m has another identity in tokens from the start behind its MODIFY QUERY on
        server.child.kill()
        server.start()
        async with Former(address) as engine:
            system: Any = SimpleNamespace(sql=server.sql(), server=server)
            yield Bench(system, engine, Store(engine, "one")), address
    finally:
        server.child.kill()


async def apply_as_before(bench: Bench, batch: Batch, fence: Fence) -> None:
    """Step 3 as the version before ran it: into `apply_orders`, for its views."""
    spec = TOPIC_SPECS[ORDERS]
    rows = load("flush/batch_rows.sql")
    rows = fill(rows, table=spec.table, key=spec.key, window="owners", found="false")
    settings = {**APPLY, "insert_deduplication_token": f"batch-{batch.id}"}
    params = {"batch": batch.id, **fence.params()}
    own = "* EXCEPT (placed_at, prior_placed_at, recount)"
    text = f"INSERT INTO apply_orders SELECT {own} FROM {rows}"
    await bench.engine.execute(text, params, settings)


def sent(name: str, version: int, quantity: int = 1, **more: Any) -> Sent:
    lines = [item("p", quantity, "1.5", name="Tea"), item("q", 2, "0.0001")]
    created = f"2026-11-2{int(name[1])}T23:50:00Z"
    return record(order("s", name, version=version, created=created, items=lines, **more))


@pytest.mark.parametrize("merged", [False, True])
async def test_windows_of_orders_become_one_table_exactly(
    former: tuple[Bench, Address], merged: bool
) -> None:
    """Of the batches that are open, one was applied nowhere, one to some windows, one to all of them."""
    bench, address = former
    places = [Partition(ORDERS, number) for number in range(4)]
    fence = await bench.claim(*places)

    async def written(*events: Sent, partition: int, steps: int) -> Batch:
        batch = bench.batch(*events, partition=partition)
        await bench.store.begin(batch)
        if steps > 0:
            await bench.store.store(batch, fence)
        if steps > 1:
            await apply_as_before(bench, batch, fence)
        if steps > 2:
            assert await bench.store.mark(batch.id, fence)
        return batch

    await written(*(sent(f"o{n}", 1, n) for n in range(1, 7)), partition=0, steps=3)
    await written(sent("o1", 2, 9), sent("o2", 2, status="cancelled"), partition=0, steps=3)
    stored = await written(sent("o3", 2, 7), sent("o7", 1), partition=1, steps=1)
    bench.system.sql.text("DETACH TABLE to_product_day")
    partly = await written(sent("o4", 2, status="refunded"), partition=2, steps=2)
    bench.system.sql.text("ATTACH TABLE to_product_day")
    fully = await written(sent("o2", 3, 4), sent("o5", 2, 8), partition=3, steps=2)
    later = sent("o6", 2, 5)
    begun = await written(later, partition=0, steps=0)
    if merged:
        bench.system.sql.text("OPTIMIZE TABLE orders FINAL")
    with pytest.raises(EngineUnavailable, match="127_fence_former_workers is missing"):
        await StoredProgress(bench.engine).epochs()
    windows = fill(load("reports/order_windows.sql"), ranges="grain = 'sales_15m'")
    with pytest.raises(EngineError) as refused:
        await bench.engine.rows(windows, {"shop": "s"})
    assert refused.value.code in NOT_MIGRATED

    ran = await migrate_engine(address)
    assert [int(name[:3]) for name in ran] == list(NEW)
    # a crash between the statement and its record repeats it
    for name in ("153_order_windows", "252_order_windows_markers"):
        await bench.engine.execute(load(f"windows/{name}.sql"))
    assert await migrate_engine(address) == []
    assert await StoredProgress(bench.engine).epochs() == {}
    left = bench.system.sql.rows("SELECT name FROM system.tables WHERE database = 'shopstream'")
    assert not {name for (name,) in left} & {*FORMER_WINDOWS, "apply_orders"}

    # a worker of the version before, should it still run, writes nothing
    assert not await bench.store.mark(stored.id, fence)
    assert await bench.store.store(bench.batch(later), fence) == 0

    fence = await bench.claim(*places)
    for batch in (stored, partly, fully, begun):
        await bench.store.apply(ORDERS, batch.id, fence)
        await bench.store.apply(ORDERS, batch.id, fence)
        assert await bench.store.mark(batch.id, fence)
    await bench.write(bench.batch(later), fence)
    assert not bench.differences()
    assert not (await verify_engine(bench.engine)).differences


@pytest.mark.parametrize("former", [MARKERS_NEW], indirect=True)
@pytest.mark.parametrize("crashes", [False, True])
async def test_batches_that_began_before_commit_markers_count_once(
    former: tuple[Bench, Address], crashes: bool
) -> None:
    """Of each topic one was applied under its token when the version before died, and one was not. `crashes`: between
    each statement of the migration and its record, and ClickHouse behind the last."""
    bench, address = former
    opened: list[tuple[Batch, Fence]] = []
    for topic in ADDING:
        spec = TOPIC_SPECS[topic]
        for number, sent in enumerate(PAIRS[topic]):
            fence = await bench.claim(place := Partition(topic, number))
            batch = bench.batch(sent, partition=place.partition)
            await bench.begin(batch, fence)
            if number == 0:
                token = {**APPLY, **FORMER, "insert_deduplication_token": f"batch-{batch.id}"}
                params = {"batch": batch.id, **fence.params()}
                with pytest.MonkeyPatch.context() as patch:
                    patch.setitem(
                        MARKERS, spec.window, MARKERS[spec.window]._replace(found="false")
                    )
                    text = apply_statement(spec, former=True)
                await bench.engine.execute(text, params, token)
            opened.append((batch, fence))
    if crashes:
        for each in (one for one in all_migrations() if one.number in MARKERS_NEW):
            await bench.engine.execute(each.text)
        bench.system.server.child.kill()
        bench.system.server.start()
    assert [int(name[:3]) for name in await migrate_engine(address)] == list(MARKERS_NEW)
    for batch, fence in opened:
        assert not await bench.store.mark(batch.id, fence), "a worker of the version before"
        fence = await bench.claim(*batch.partitions)
        for _ in range(2):
            await bench.store.apply(batch.topic, batch.id, fence)
        assert await bench.store.mark(batch.id, fence)
    assert not bench.differences()
