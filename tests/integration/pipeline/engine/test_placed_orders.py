"""An order counts under its `placedAt`, and moves with it, exactly."""

import random
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from clickhouse import migrations, verify
from clickhouse.client import Address, ClickHouseClient
from clickhouse.migrations import all_migrations, migrate_engine
from clickhouse.verify import verify_engine
from pipeline.batch import Batch
from pipeline.store import Store
from shopstream.contracts.cursor import Partition
from shopstream.contracts.topics import ORDERS
from support.engine import ClickHouseServer
from support.engine_bench import Bench
from support.events import Sent, item, order, record, settings

DAYS = ("2026-09-30T23:59:59.999999Z", "2026-10-01T00:00:00Z", "2026-11-22T10:15:00Z")
CREATED = "2026-11-22T10:15:30.123456Z"


def placed(number: int, version: int, at: str | None, **more: Any) -> Sent:
    return record(order("s", f"o{number}", version=version, placedAt=at, **more))


def by_chance(draw: random.Random, number: int, version: int) -> Sent:
    """A version with or without `placedAt`; now and then with another `createdAt`, a refund, a part of its total."""
    more: dict[str, Any] = {"items": [item(f"p{draw.randrange(3)}", 2, "1.25", name="Tea")]}
    if draw.random() < 0.3:
        more["items"] = [item("p0", 2, "1.25", refundedQuantity=1)]
    if draw.random() < 0.3:
        more["refunds"] = [{"id": "r", "amount": "0.5", "at": draw.choice(DAYS)}]
    if draw.random() < 0.3:
        more["taxTotal"] = "0.25"
    if draw.random() < 0.2:
        more["created"] = draw.choice(DAYS)
    more["status"] = draw.choice(("paid", "paid", "refunded", "cancelled"))
    return placed(number, version, draw.choice((None, *DAYS)), **more)


async def first_created_at(bench: Bench, batch: Batch) -> Batch:
    """As a flush does."""
    conflicts = await bench.store.created_at_conflicts(batch)
    return batch.with_first_created_at(conflicts.first)


@pytest.mark.parametrize("seed", range(3))
async def test_every_window_follows_an_order_that_moves(bench: Bench, seed: int) -> None:
    """Some batches die after they are stored and are applied by the next owner; some records come twice."""
    draw = random.Random(seed)
    fence = await bench.own(ORDERS)
    before: list[Sent] = []
    for version in range(1, 8):
        sent = [by_chance(draw, draw.randrange(6), version) for _ in range(5)]
        batch = await first_created_at(
            bench, bench.batch(*sent, *draw.sample(before, len(before) // 3))
        )
        before += sent
        await bench.begin(batch, fence)
        if draw.random() < 0.4:
            fence = await bench.own(ORDERS)
            await bench.writer.apply(ORDERS, batch.id, fence)
        await bench.writer.apply(ORDERS, batch.id, fence)
        assert await bench.store.mark(batch.id, fence)
        assert bench.differences() == []
    assert not (await verify_engine(bench.engine)).differences


async def changed(bench: Bench, batch: Batch) -> list[int]:
    return sorted((await bench.store.changed(ORDERS, batch.id)).slots.get("s", []))


async def test_a_move_changes_the_window_it_leaves_and_the_one_it_comes_to(bench: Bench) -> None:
    fence = await bench.own(ORDERS)
    first, moved, back, same = (
        bench.batch(placed(1, version, at))
        for version, at in enumerate((None, DAYS[0], None, None), 1)
    )
    september, november = 1790812800 - 900, 1795342500
    for batch, slots in (
        (first, [november]),
        (moved, [september, november]),
        (back, [september, november]),
        (same, []),
    ):
        await bench.write(batch, fence)
        assert await changed(bench, batch) == slots
    sums = (
        "SELECT toString(start), sum(orders), toUInt8(max(revised) > 0) FROM order_windows WHERE grain = 'sales_15m'"
        " GROUP BY start ORDER BY start"
    )
    assert bench.system.sql.rows(sums) == [
        ["2026-09-30 23:45:00", "0", 1],
        ["2026-11-22 10:15:00", "1", 1],
    ]


async def test_months_are_compared_with_the_orders_that_moved_into_them(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`verify` compares some months at a time."""
    monkeypatch.setattr(verify, "AT_ONCE", 1)
    fence = await bench.own(ORDERS)
    refund = {"id": "r", "amount": "0.5", "at": DAYS[1]}
    await bench.write(
        bench.batch(
            placed(1, 1, DAYS[0], taxTotal="1"),
            placed(2, 1, None, created=DAYS[1]),
            placed(3, 1, DAYS[2], created=DAYS[0], refunds=[refund]),
            placed(4, 1, None, created=DAYS[0], refunds=[refund]),
        ),
        fence,
    )
    assert len(await verify.steps(bench.engine)) > 12
    assert not (await verify_engine(bench.engine)).differences
    bench.system.sql.text(
        "INSERT INTO order_windows (grain, shop_id, start, currency, product_id, revenue)"
        " VALUES ('sales_15m', 's', '2026-09-30 23:45:00', 'EUR', '', 1)"
    )
    found = (await verify_engine(bench.engine)).differences
    assert [one.key for one in found] == [("s", "2026-09-30 23:45:00", "EUR")]


async def test_a_period_is_compared_without_a_look_at_the_orders_that_stayed(bench: Bench) -> None:
    fence = await bench.own(ORDERS)
    await bench.write(bench.batch(*(placed(number, 1, None) for number in range(3000))), fence)
    await bench.write(bench.batch(placed(1, 2, DAYS[0])), fence)
    plan = bench.system.sql.text(
        "EXPLAIN indexes = 1 SELECT shop_key FROM orders WHERE placed_at != created_at"
    ).decode()
    assert "by_moved" in plan
    *_, (read, of) = re.findall(r"Granules: (\d+)\\?/(\d+)", plan)
    assert int(read) == 1 < int(of)


PLACE = Partition(ORDERS, 0)
COLUMNS = (
    "shop_id, order_id, created_at, version, status, counted, currency, total, refund, `items.product_id`,"
    " `items.name`, `items.quantity`, `items.refunded`, `items.price`, prior_version, prior_counted, prior_currency,"
    " prior_total, prior_status, `prior_items.product_id`, `prior_items.name`, `prior_items.quantity`,"
    " `prior_items.refunded`, `prior_items.price`, batch"
)
LINES = "['p'], ['Tea'], [2], [0], [1.5]"


@pytest.fixture
async def former(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[Bench, Address]]:
    """A data directory of the version before."""
    server = ClickHouseServer(tmp_path)
    server.start()
    try:
        address = Address.parse(server.url())
        every = [each for each in all_migrations() if each.number < 156 or 200 < each.number < 240]
        with monkeypatch.context() as context:
            context.setattr(migrations, "all_migrations", lambda: every)
            await migrate_engine(address)
        async with ClickHouseClient(address) as engine:
            system: Any = SimpleNamespace(sql=server.sql())
            yield Bench(system, engine, Store(engine, "one")), address
    finally:
        server.child.kill()


async def test_orders_of_the_version_before_count_under_their_created_at(
    former: tuple[Bench, Address],
) -> None:
    """One batch is stored and not applied; an order of before then moves."""
    bench, address = former
    opened = bench.numbers.next()
    bench.system.sql.text(
        f"INSERT INTO orders ({COLUMNS}) VALUES ('s', 'o1', '{CREATED[:-1]}', {1 << 64}, 'paid', true, 'EUR', 3, 0,"
        f" {LINES}, 0, false, '', 0, '', [], [], [], [], [], {opened})"
    )
    bench.system.sql.text(
        "INSERT INTO batches (batch, applied, at, writer, parts.topic, parts.partition, parts.epoch, parts.first,"
        f" parts.next) VALUES ({opened}, false, now64(3), 'w', ['{ORDERS}'], [0], [1], [0], [1])"
    )
    assert "160_order_placed_at" in await migrate_engine(address)
    fence = await bench.claim(PLACE)
    await bench.store.apply(ORDERS, opened, fence)
    assert await bench.store.mark(opened, fence)
    assert not (await verify_engine(bench.engine)).differences
    sums = (
        "SELECT toString(start), sum(orders), sum(revenue) FROM order_windows WHERE grain = 'sales_15m' GROUP BY start"
        " HAVING sum(orders) != 0"
    )
    assert bench.system.sql.rows(sums) == [["2026-11-22 10:15:00", "1", "3"]]
    await bench.write(bench.batch(placed(1, 1, DAYS[0], items=[item("p", 1, "7")])), fence)
    assert bench.system.sql.rows(sums) == [["2026-09-30 23:45:00", "1", "7"]]
    assert not (await verify_engine(bench.engine)).differences
    day = "SELECT toString(local_date) FROM shopstream_bi.orders"
    assert bench.system.sql.rows(day) == [["2026-09-30"]]


async def test_a_move_within_a_quarter_of_an_hour_revises_nothing(bench: Bench) -> None:
    fence = await bench.own(ORDERS)
    more: dict[str, Any] = {
        "refunds": [{"id": "r", "amount": "0.5", "at": DAYS[0]}],
        "taxTotal": "0.25",
    }
    revised = "SELECT grain, max(revised) FROM order_windows WHERE shop_id != '' GROUP BY grain ORDER BY grain"
    await bench.write(bench.batch(placed(1, 1, None, **more)), fence)
    before = bench.system.sql.rows(revised)
    moved = bench.batch(placed(1, 2, "2026-11-22T10:29:59.999999Z", **more))
    await bench.write(replace(moved, id=moved.id + (5000 << 22)), fence)
    assert bench.system.sql.rows(revised) == before
    assert bench.differences() == []


async def test_another_time_zone_says_no_more_than_the_ends_of_each_day_with_sales(
    bench: Bench,
) -> None:
    """In a bulk change every bucket of every shop would be more than the engine gives."""
    times = [
        f"2026-11-{day}T{hour:02}:{minute}:00Z"
        for day in (20, 22)
        for hour in range(3, 21)
        for minute in ("00", "15")
    ]
    orders = [record(order("s", f"o{number}", created=at)) for number, at in enumerate(times)]
    await bench.write(bench.batch(*orders), await bench.own(ORDERS))
    batch = bench.batch(*(record(settings(shop, "Asia/Kathmandu")) for shop in "st"))
    await bench.write(batch, await bench.own("shop.settings"))
    slots = (await bench.store.changed("shop.settings", batch.id)).slots
    ends = [f"2026-11-{day}T{time}:00+00:00" for day in (20, 22) for time in ("03:00", "20:15")]
    assert {shop: sorted(some) for shop, some in slots.items()} == {
        "s": [int(datetime.fromisoformat(end).timestamp()) for end in ends],
        "t": [],
    }
