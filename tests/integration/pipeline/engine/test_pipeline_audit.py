"""The audit finds what is damaged by hand, repairs it, and is not misled by workers at their work."""

import time
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from clickhouse.differences import COLUMNS
from clickhouse.verify import verify_engine
from clickhouse.window_comparison import Scope, compare
from clickhouse.windows import MARKERS, WINDOWS
from pipeline import earliest_orders
from pipeline.counted_statuses import COUNTING, CountedStatuses
from pipeline.fence import Fence
from pipeline.flush import flush
from pipeline.reconcile import audit as audit_module
from pipeline.reconcile import auditor as auditor_module
from pipeline.reconcile.audit import (
    DAY_SECONDS,
    Audit,
    Found,
    Superseded,
    Totals,
    end_sweep,
    run_steps,
)
from pipeline.reconcile.auditor import recent
from pipeline.reconcile.rebuild import rebuild
from pipeline.recount_statements import RecountStatements
from pipeline.snowflake import first_id_at
from pipeline.store import OPEN_SECONDS, Store
from pipeline.topic_specs import TOPIC_SPECS
from shopstream.contracts.cursor import Partition
from support.engine_bench import ADDING, PAIRS, Bench, first, second
from support.events import order, record, settings
from support.found import inserted
from support.system import FULL

DAMAGE = {
    "sales_15m": "('s', '2026-11-22 10:15:00', 'EUR', 1, 0.0001, 0)",
    "product_15m": "('s', '2026-11-22 10:15:00', 'EUR', 'p', 0, 0.0001)",
    "product_day": "('s', '2026-11-22 00:00:00', 'EUR', 'p', -1, 0)",
    "product_month": "('s', '2026-11-01 00:00:00', 'EUR', 'other', 7, 12.5)",
    "returned_15m": "('s', '2026-11-22 10:15:00', 'EUR', 0.0001)",
    "refunds_15m": "('s', '2026-12-01 10:15:00', 'EUR', 1, 0.0001)",
    "parts_15m": "('s', '2026-11-22 10:15:00', 'EUR', 'tax', 0.0001)",
    "payments_15m": "('s', '2026-11-22 11:00:00', 'EUR', 1, 2, 3, 4)",
    "sessions_15m": "('s', '2026-11-22 10:00:00', 200, 1)",
    "on_order": "('s', 'p', 1)",
    "product_names": "('s', 'p', (2000000000000000, 1, 1, 'Wrong'), (0, 0))",
    "first_orders": "('s', ('2000-01-01 00:00:00', 'o', 1, 'USD'))",
}


async def everything(bench: Bench) -> None:
    for topic, records in PAIRS.items():
        await bench.write(bench.batch(*records), await bench.own(topic))
    assert not bench.differences()


async def test_more_differences_than_are_listed_are_the_same_ones_each_time(bench: Bench) -> None:
    """Else none of them would be there in all comparisons of `verify` while rows are added."""

    def damage(name: str, shops: int) -> None:
        bench.system.sql.text(
            "INSERT INTO first_orders SELECT format('{}-{}', '"
            f"{name}', leftPad(toString(number), 5, '0')),"
            f" (toDateTime64('2026-11-22', 6), 'o', 1, 'USD') FROM numbers({shops})"
        )

    async def listed() -> list[tuple[str, ...]]:
        found = await compare(bench.engine, "first_orders", Scope(), limit=10)
        return sorted(one.key for one in found.differences)

    damage("a", 300)
    before = await listed()
    assert len(before) == 10
    damage("b", 20_000)
    assert await listed() == before


async def auditor(bench: Bench, name: str = "auditor") -> Audit:
    store = Store(bench.engine, name)
    counting = CountedStatuses(store, bench.numbers, store.apply, lambda _: None, lambda: True)
    audit = Audit(bench.engine, store, bench.numbers, counting.recount)
    await audit.claim()
    return audit


async def sweep(audit: Audit) -> dict[str, Found]:
    return {table: await audit.step(table, Scope()) for table in COLUMNS}


@pytest.mark.parametrize(
    "tables", [*([table] for table in DAMAGE if FULL or table == "parts_15m"), list(DAMAGE)]
)
async def test_what_is_damaged_is_told_and_made_good(bench: Bench, tables: list[str]) -> None:
    """In one table, which is no fault of another; and in all of them."""
    await everything(bench)
    for table in tables:
        bench.system.sql.text(inserted(table, DAMAGE[table]))
    verdict = await verify_engine(bench.engine)
    assert sorted(one.table for one in verdict.differences) == sorted(tables)
    assert bench.differences()
    found = await sweep(await auditor(bench))
    assert sorted(name for name, one in found.items() if one.repaired) == sorted(tables)
    assert not bench.differences()
    assert not (await verify_engine(bench.engine)).differences
    logged = bench.system.sql.rows("SELECT window, key FROM repairs")
    assert sorted((name, tuple(key)) for name, key in logged) == sorted(
        (one.table, one.key) for one in verdict.differences
    )


async def repair_beneath_a_worker(bench: Bench) -> None:
    """A worker reads when the earliest order of a shop was made, then that is repaired, and an earlier one comes."""
    fence = await bench.own("shop.orders")

    async def write(name: str, day: int, currency: str) -> None:
        created = f"2026-11-{day:02}T10:00:00Z"
        batch = bench.batch(record(order("s", name, created=created, currency=currency)))
        await flush(batch, bench.writer, fence, check)

    async def check() -> None: ...

    await write("o2", 5, "EUR")
    bench.system.sql.text(inserted("first_orders", DAMAGE["first_orders"]))
    await write("o3", 6, "EUR")
    assert (await sweep(await auditor(bench)))["first_orders"].repaired
    assert not bench.differences()
    await write("o1", 1, "GBP")


async def test_a_worker_goes_by_the_earliest_orders_as_they_were_made_good(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(earliest_orders, "EARLIEST_SECONDS", 0.0)
    await repair_beneath_a_worker(bench)
    assert not bench.differences()


@pytest.mark.parametrize("apart", [1, 0])
async def test_a_sweep_of_recent_days_has_the_earliest_orders_that_were_repaired(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, apart: int
) -> None:
    """A worker goes by what it had read before, for some minutes."""
    monkeypatch.setattr(auditor_module, "SHOPS_APART", apart)
    await repair_beneath_a_worker(bench)
    assert bench.differences()
    audit = await auditor(bench)
    today = datetime(2026, 11, 22, tzinfo=UTC)
    assert (await run_steps(await recent(bench.engine, today), audit.step)).repaired == 1
    assert not bench.differences()


async def test_a_rebuild_makes_everything_from_nothing(bench: Bench) -> None:
    await everything(bench)
    made = {WINDOWS[name].table if name in WINDOWS else name for name in COLUMNS} - {"orders"}
    for table in made:
        bench.system.sql.text(f"TRUNCATE TABLE {table}")
    assert bench.differences()
    steps: list[tuple[int, int, int]] = []
    audit = await auditor(bench)
    totals = await rebuild(bench.engine, audit, lambda *step: steps.append(step))
    assert not bench.differences()
    assert (totals.unverified, steps[-1][0]) == (0, steps[-1][1])
    assert totals.repaired == steps[-1][2] >= len(COLUMNS) - 1
    again = await rebuild(bench.engine, audit, lambda *step: None)
    assert (again.repaired, again.unverified) == (0, 0)


@pytest.mark.parametrize("choice", [None, ["refunded"]])
@pytest.mark.parametrize("windows", ["right", "wrong"])
async def test_an_order_that_counts_otherwise_than_its_shop_does_is_told_and_made_good(
    bench: Bench, choice: list[str] | None, windows: str
) -> None:
    """Its row alone, or the windows with it, as after a wrong recount."""
    fence, said = await bench.own("shop.orders"), await bench.own("shop.settings")
    await bench.write(bench.batch(record(settings("s", countedStatuses=choice))), said)
    audit = await auditor(bench)
    counting = CountedStatuses(
        bench.store, bench.numbers, bench.store.apply, lambda _: None, lambda: True
    )
    await counting.recount()
    generation = await counting.present()
    under = Fence({**fence.claims, COUNTING: generation.claim}, generation.counted)
    orders = [
        record(order(shop, f"o{n}", status=status))
        for shop in "st"
        for n, status in enumerate(("paid", "refunded", "cancelled"))
    ]
    await bench.write(bench.batch(*orders), under)
    assert not bench.differences() and not (await verify_engine(bench.engine)).differences
    if windows == "wrong":
        batch = bench.numbers.next()
        claimed = Fence({COUNTING: generation.claim})
        assert (
            await RecountStatements(bench.store).write("s", ["pending"], batch, claimed, "o2") == 1
        )
        await bench.store.apply("shop.orders", batch, claimed)
    else:
        bench.system.sql.text(
            "INSERT INTO orders SELECT * REPLACE (NOT counted AS counted, 1 AS recount) FROM orders FINAL"
            " WHERE shop_id = 's' AND order_id = 'o0'"
        )
    wrong = [
        one for one in (await verify_engine(bench.engine)).differences if one.table == "orders"
    ]
    assert [str(one) for one in wrong] == [
        f"orders shop_id=s order_id=o{'1' if choice and windows == 'wrong' else '0'}: counted is "
        + ("true, should be false" if choice and windows == "right" else "false, should be true")
    ]
    assert (await sweep(audit))["orders"].repaired
    assert not bench.differences()
    assert not (await verify_engine(bench.engine)).differences


@pytest.mark.parametrize("steps", ["stored", "applied"])
@pytest.mark.parametrize("topic", ADDING)
async def test_a_batch_that_is_under_way_is_no_fault(bench: Bench, topic: str, steps: str) -> None:
    """Stored and not applied it looks like one, and stays so for as long as the worker takes."""
    fence = await bench.own(topic)
    before, after = PAIRS[topic]
    await bench.write(bench.batch(before), fence)
    batch = bench.batch(after)
    await bench.begin(batch, fence)
    if steps == "applied":
        await bench.store.apply(batch.topic, batch.id, fence)
    found = await sweep(await auditor(bench))
    assert not any(one.repaired for one in found.values() if one.repaired)
    changed = {name for name, one in found.items() if one.unverified}
    windows = {w.name for w in WINDOWS.values() if w.source == TOPIC_SPECS[topic].table}
    assert bool(changed & windows) == (steps == "stored")
    await bench.store.apply(batch.topic, batch.id, fence)
    await bench.store.mark(batch.id, fence)
    assert not bench.differences()


async def test_a_fault_elsewhere_is_made_good_while_a_batch_is_under_way(bench: Bench) -> None:
    fence = await bench.claim()
    await bench.write(bench.batch(first()), fence)
    batch = bench.batch(record(order("s2", "o", created="2026-11-20T10:00:00Z")))
    await bench.begin(batch, fence)
    bench.system.sql.text(inserted("sales_15m", DAMAGE["sales_15m"]))
    found = await (await auditor(bench)).step("sales_15m", Scope())
    assert (len(found.repaired), found.unverified) == (1, 1)
    await bench.store.apply(batch.topic, batch.id, fence)
    await bench.store.mark(batch.id, fence)
    assert not bench.differences()


async def test_an_auditor_that_was_superseded_writes_nothing(bench: Bench) -> None:
    await everything(bench)
    frozen = await auditor(bench, "frozen")
    bench.system.sql.text(inserted("sales_15m", DAMAGE["sales_15m"]))
    newer = await auditor(bench, "newer")
    with pytest.raises(Superseded):
        await frozen.step("sales_15m", Scope())
    assert await frozen.foreign_claim() > 0 == await newer.foreign_claim()
    assert len((await newer.step("sales_15m", Scope())).repaired) == 1
    assert not bench.differences()


async def test_what_two_workers_counted_twice_at_the_same_instant_is_made_good(
    bench: Bench,
) -> None:
    """Mixed keys put one order into two partitions; both workers compared before either had written."""
    one, two = bench.batch(first()), bench.batch(first(), partition=1)
    fence, other = await bench.claim(), await bench.claim(Partition("shop.orders", 1))
    await bench.begin(one, fence)
    await bench.store.begin(two)
    copy = f"INSERT INTO orders SELECT * REPLACE ({two.id} AS batch) FROM orders"
    bench.system.sql.text(copy)
    for batch, owner in ((one, fence), (two, other)):
        await bench.store.apply(batch.topic, batch.id, owner)
        assert await bench.store.mark(batch.id, owner)
    assert any("sales_15m" in line for line in bench.differences())
    await sweep(await auditor(bench))
    assert not bench.differences()


async def test_commit_markers_that_nobody_looks_for_are_deleted_once_there_are_many(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    await everything(bench)
    monkeypatch.setattr(audit_module, "SPENT_MARKERS", 3)
    old = first_id_at(time.time() - OPEN_SECONDS - DAY_SECONDS) - 10
    found_late = first_id_at(time.time() - OPEN_SECONDS) - 10
    for table, marker in MARKERS.items():
        left = f"SELECT count() FROM {table} WHERE shop_id = ''"
        row = marker.row.replace("{batch:UInt64}", str(found_late))
        bench.system.sql.text(f"INSERT INTO {table} VALUES {row}")
        present = int(bench.system.sql.rows(left)[0][0])
        for number, remaining in ((0, 1), (1, 2), (2, 0)):
            row = marker.row.replace("{batch:UInt64}", str(old + number))
            bench.system.sql.text(f"INSERT INTO {table} VALUES {row}")
            await end_sweep(bench.engine, Totals())
            assert bench.system.sql.rows(left) == [[str(present + remaining)]]
    assert not bench.differences()


async def test_a_batch_that_is_open_since_long_ago_is_no_fault(bench: Bench) -> None:
    """The engine, or every worker, was away for days: the next owner applies it."""
    fence = await bench.claim()
    await bench.write(bench.batch(first()), fence)
    batch = replace(bench.batch(second()), id=first_id_at(time.time() - 3 * DAY_SECONDS))
    await bench.begin(batch, fence)
    found = await sweep(await auditor(bench))
    assert [name for name, one in found.items() if one.repaired] == []
    await bench.store.apply(batch.topic, batch.id, fence)
    assert await bench.store.mark(batch.id, fence)
    assert not bench.differences()


async def test_orders_with_the_longest_ids_are_made_good(bench: Bench) -> None:
    """Their ids travel in a URL, where a character may be twelve bytes."""
    ids = [f"{number:03}" + 125 * "\N{SHOPPING TROLLEY}" for number in range(110)]
    orders = [record(order("s", name)) for name in ids]
    await bench.write(bench.batch(*orders), await bench.own("shop.orders"))
    bench.system.sql.text("TRUNCATE TABLE order_places")
    found = await (await auditor(bench)).step("order_places", Scope())
    assert len(found.repaired) == len(ids)
    assert not bench.differences()
