"""A data directory whose quantities are whole numbers, and whose orders know no refunds by date, loses nothing."""

from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from clickhouse import migrations
from clickhouse.client import Address, ClickHouseClient
from clickhouse.migrations import all_migrations, migrate_engine
from clickhouse.sql import load
from clickhouse.verify import verify_engine
from pipeline.snowflake import Snowflake
from pipeline.store import Store
from shopstream.contracts.cursor import Partition
from shopstream.contracts.topics import ORDERS
from support.engine import ClickHouseServer
from support.engine_bench import Bench

FORMER = {*range(1, 20), *range(101, 127), *range(201, 216)}
"""Migrations that the version before has."""
PLACE = Partition(ORDERS, 0)
_ITEMS = "product_id name quantity refunded price"
COLUMNS = ", ".join(
    [
        *[
            "shop_id",
            "order_id",
            "created_at",
            "version",
            "status",
            "counted",
            "currency",
            "total",
            "refund",
        ],
        *(f"`items.{name}`" for name in _ITEMS.split()),
        *["prior_version", "prior_counted", "prior_currency", "prior_total", "prior_refund"],
        *(f"`prior_items.{name}`" for name in _ITEMS.split()),
        "batch",
    ]
)
LINES = "['p', 'q'], ['Tea', NULL], [3, 4], [1, 0], [1.5, 0.0001]"
NO_LINES = "[], [], [], [], []"


@pytest.fixture
async def former(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[Bench, Address]]:
    """Migrated as far as the version before goes."""
    server = ClickHouseServer(tmp_path)
    server.start()
    try:
        address = Address.parse(server.url())
        every = [each for each in all_migrations() if each.number in FORMER]
        with monkeypatch.context() as context:
            context.setattr(migrations, "all_migrations", lambda: every)
            await migrate_engine(address)
        async with ClickHouseClient(address) as engine:
            system: Any = SimpleNamespace(sql=server.sql())
            yield Bench(system, engine, Store(engine, "one")), address
    finally:
        server.child.kill()


def insert(*rows: str) -> str:
    return f"INSERT INTO orders ({COLUMNS}) VALUES {', '.join(rows)}"


def row(
    name: str, version: int, status: str, counted: bool, amounts: str, prior: str, batch: int
) -> str:
    head = f"'s', '{name}', '2026-11-2{name[1]} 23:50:00', {version << 64}, '{status}', {counted}, 'EUR'"
    return f"({head}, {amounts}, {LINES}, {prior}, {batch})"


NO_PRIOR = f"0, false, '', 0, 0, {NO_LINES}"


@pytest.mark.parametrize("merged", [False, True])
async def test_quantities_and_windows_of_the_version_before_are_kept(
    former: tuple[Bench, Address], merged: bool
) -> None:
    """One batch is open: its version is stored, and in no window."""
    bench, address = former
    sql = bench.system.sql
    opened = Snowflake().next()
    done, apply = 7 << 22, "INSERT INTO apply_orders SELECT * FROM orders WHERE batch = "
    sql.text(
        insert(
            row("o1", 1, "paid", True, "20, 5", NO_PRIOR, done),
            row("o2", 1, "refunded", False, "7, 0", NO_PRIOR, done),
            row("o3", 1, "paid", True, "10, 0", NO_PRIOR, done),
        )
    )
    sql.text(f"{apply}{done}")
    before = f"{1 << 64}, true, 'EUR', 10, 0, {LINES}"
    sql.text(insert(row("o3", 2, "paid", True, "12.5, 2.5", before, opened)))
    sql.text(
        "INSERT INTO batches (batch, applied, at, writer, parts.topic, parts.partition, parts.epoch, parts.first,"
        f" parts.next) VALUES ({opened}, false, now64(3), 'w', ['{ORDERS}'], [0], [1], [0], [1])"
    )
    sql.text(
        "INSERT INTO levels (shop_id, product_id, version, quantity, updated_at, low, crossings.id, crossings.low,"
        " crossings.quantity, crossings.threshold, crossings.sku, crossings.at, batch)"
        " VALUES ('s', 'p', 1, -3, now64(6), true, ['a'], [true], [-3], [10], [NULL], [now64(6)], 1)"
    )
    sql.text(
        "INSERT INTO purchases (received, shop_id, purchase_id, age, supplier_id, at, items.product_id,"
        " items.quantity, items.cost, changes.product_id, changes.units, batch)"
        " VALUES (false, 's', 'b', 1, 'u', now64(6), ['p'], [12], [1.5], ['p'], [12], 1)"
    )
    sql.text("INSERT INTO apply_purchases SELECT * FROM purchases")
    sql.text(
        "INSERT INTO alerts (shop_id, id, low, product_id, location_id, quantity, threshold, on_order, daily_sales, at,"
        " batch) VALUES ('s', 'a', true, 'p', '', -3, 10, 12, 0.5, now64(6), 1)"
    )
    if merged:
        for table in ("orders", "levels", "purchases"):
            sql.text(f"OPTIMIZE TABLE {table} FINAL")

    await migrate_engine(address)
    # a crash between the statement and its record repeats it
    for name in (
        "schema/040_order_lines",
        "windows/153_order_windows",
        "windows/252_order_windows_markers",
        "windows/154_payments_revised",
    ):
        await bench.engine.execute(load(f"{name}.sql"))
    assert await migrate_engine(address) == []

    assert sql.rows(
        "SELECT order_id, `items.quantity`, `items.kind`, `items.sold`, `items.revenue`, `items.total`, `refunds.at`,"
        " tax FROM orders FINAL WHERE order_id = 'o1'"
    ) == [
        [
            "o1",
            ["3", "4"],
            ["product", "product"],
            ["2", "4"],
            ["3", "0.0004"],
            [None, None],
            [],
            None,
        ]
    ]
    assert sql.rows("SELECT quantity, `crossings.quantity`, unit FROM levels") == [
        ["-3", ["-3"], None]
    ]
    assert sql.rows("SELECT sum(units) FROM on_order") == [["12"]]
    assert sql.rows("SELECT units, cost FROM shopstream_bi.purchases") == [["12", "18"]]
    assert sql.rows("SELECT quantity FROM shopstream_bi.alerts") == [["-3"]]
    sums = (
        "SELECT sumIf(orders, grain = 'sales_15m'), sumIf(revenue, grain = 'sales_15m'),"
        " sumIf(revenue, grain IN ('sales_15m', 'returned_15m')),"
        " sumIf(orders, grain = 'refunds_15m'), sumIf(revenue, grain = 'refunds_15m') FROM order_windows"
    )
    # the superseded version of the open batch counts; what is refunded as a whole was paid back as a whole
    assert sql.rows(sums) == [["2", "25", "37", "2", "12"]]

    fence = await bench.claim(PLACE)
    for _ in range(2):
        await bench.store.apply(ORDERS, opened, fence)
    assert await bench.store.mark(opened, fence)
    assert sql.rows(sums) == [["2", "25", "39.5", "3", "14.5"]]
    assert not (await verify_engine(bench.engine)).differences
