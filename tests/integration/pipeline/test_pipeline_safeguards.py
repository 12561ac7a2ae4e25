"""Each safeguard by hand against the engine, and what happens without it.

The statements of a batch run one by one through `Store`, as a worker would that dies or is frozen between
any two of them. Where a safeguard is taken away, the oracle must see the damage: else it would prove nothing.
"""

import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from oracle.book import Book
from oracle.compare import compare_tables
from shopstream.clickhouse.client import Address, Engine
from shopstream.clickhouse.migrations import migrate_engine
from shopstream.clickhouse.sql import load, names
from shopstream.contracts.cursor import Partition
from shopstream.pipeline.batch import Batch, assemble
from shopstream.pipeline.decode import decode
from shopstream.pipeline.numbers import Numbers
from shopstream.pipeline.ownership import Ownership
from shopstream.pipeline.retry import Patience
from shopstream.pipeline.store import Fence, Store
from support.events import Sent, item, order, record
from support.system import System

PLACE = Partition("shop.orders", 0)
OTHER = Partition("shop.orders", 1)
NO_TOKEN = {"async_insert": 0, "max_insert_threads": 1, "insert_deduplicate": 0}
WRITTEN = ("orders", "sales_15m", "sales_day", "product_day", "product_month")


@dataclass
class Record:
    offset: int
    value: bytes | None
    key: bytes | None = None
    timestamp: int = 1_795_000_000_000


@dataclass
class Bench:
    """An engine with tables of its own, and the book of what was put into batches."""

    system: System
    engine: Engine
    store: Store
    book: Book = field(default_factory=Book)
    numbers: Numbers = field(default_factory=Numbers)
    offset: int = 0

    def batch(self, *sent: Sent, place: Partition = PLACE) -> Batch:
        records = [Record(self.offset + n, s.value, s.key) for n, s in enumerate(sent)]
        self.offset += len(records)
        self.book.take_all(sent)
        piece = decode(place.topic, place.partition, 1, records)
        return assemble(self.numbers.next(), [piece])

    async def claim(self, *places: Partition) -> Fence:
        claim = self.numbers.next()
        await self.store.claim(places or (PLACE,), claim)
        return Fence(dict.fromkeys(places or (PLACE,), claim))

    async def apply_without_token(self, number: int, fence: Fence) -> None:
        params = {"batch": number, **fence.params()}
        await self.engine.execute(load("flush/apply.sql"), params, NO_TOKEN)

    def rows(self) -> dict[str, int]:
        return {
            table: int(self.system.sql.rows(f"SELECT count() FROM {table}")[0][0])
            for table in WRITTEN
        }

    def differences(self) -> list[str]:
        return compare_tables(self.system.sql, self.book)


@pytest.fixture(scope="module")
async def engine(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[System, Engine]]:
    with System(Path(tmp_path_factory.mktemp("safeguards"))) as system:
        system.start_engine()
        address = Address.parse(system.settings.clickhouse_url.get_secret_value())
        await migrate_engine(address)
        async with Engine(address) as engine:
            yield system, engine


@pytest.fixture
async def bench(engine: tuple[System, Engine]) -> Bench:
    """With every table empty."""
    system, client = engine
    tables = system.sql.rows(
        "SELECT name FROM system.tables WHERE database = 'shopstream'"
        " AND engine LIKE '%MergeTree' AND name != 'migrations'"
    )
    for (name,) in tables:
        system.sql.text(f"TRUNCATE TABLE {name}")
    return Bench(system, client, Store(client, "one"))


def first() -> Sent:
    return record(order("s", "o", version=1, items=[item("p", 2, "1.5", name="Tea")]))


def second() -> Sent:
    return record(order("s", "o", version=2, items=[item("p", 5, "2"), item("q", 1, 1)]))


async def test_a_batch_that_is_applied_twice_counts_once(bench: Bench) -> None:
    batch, fence = bench.batch(first(), second()), await bench.claim()
    await bench.store.begin(batch)
    await bench.store.store(batch, fence)
    for _ in range(3):
        await bench.store.apply(batch.number, fence)
    assert not bench.differences()
    assert await bench.store.mark(batch.number, fence)
    await bench.store.apply(batch.number, fence)
    assert not bench.differences()


async def test_without_token_and_mark_it_counts_twice(bench: Bench) -> None:
    batch, fence = bench.batch(first()), await bench.claim()
    await bench.store.begin(batch)
    await bench.store.store(batch, fence)
    await bench.apply_without_token(batch.number, fence)
    assert not bench.differences()
    await bench.apply_without_token(batch.number, fence)
    found = bench.differences()
    assert any("sales_day" in line and "(2," in line for line in found), found


async def test_the_mark_alone_keeps_a_late_repeat_out(bench: Bench) -> None:
    """The engine forgets a token after a thousand others; the mark stays."""
    batch, fence = bench.batch(first()), await bench.claim()
    await bench.store.begin(batch)
    await bench.store.store(batch, fence)
    await bench.store.apply(batch.number, fence)
    assert await bench.store.mark(batch.number, fence)
    await bench.apply_without_token(batch.number, fence)
    assert not bench.differences()


async def test_what_is_stored_already_is_not_stored_again(bench: Bench) -> None:
    fence = await bench.claim()
    for sent in (second(), first(), second()):
        for _ in range(2):
            batch = bench.batch(sent)
            await bench.store.begin(batch)
            await bench.store.store(batch, fence)
            await bench.store.store(batch, fence)
            await bench.store.apply(batch.number, fence)
            await bench.store.mark(batch.number, fence)
    assert not bench.differences()


@pytest.mark.parametrize("places", [(PLACE,), (PLACE, OTHER)], ids=["one", "two partitions"])
async def test_an_old_claim_writes_nothing(bench: Bench, places: tuple[Partition, ...]) -> None:
    old = await bench.claim(*places)
    batch = bench.batch(first())
    await bench.store.begin(batch)
    await bench.claim(PLACE)
    await bench.store.store(batch, old)
    assert bench.rows() == dict.fromkeys(WRITTEN, 0)
    new = await bench.claim(*places)
    await bench.store.store(batch, new)
    stored = bench.rows()
    assert stored["orders"] == 1
    await bench.claim(PLACE)
    await bench.store.apply(batch.number, new)
    assert bench.rows() == stored
    assert not await bench.store.mark(batch.number, new)
    assert set(await bench.store.open_batches([PLACE], time.time())) == {batch.number}
    newest = await bench.claim(*places)
    await bench.store.apply(batch.number, newest)
    assert await bench.store.mark(batch.number, newest)
    assert not bench.differences()


WINDOWS = [
    name.partition("_to_")[2].removesuffix(".sql") for name in names("windows") if "_to_" in name
]


@pytest.mark.parametrize("missed", WINDOWS)
async def test_a_crash_between_two_windows_is_made_good(bench: Bench, missed: str) -> None:
    """One window is cut off during the first run, as if the engine had died before it."""
    before, batch = bench.batch(first()), bench.batch(second())
    fence = await bench.claim()
    await bench.store.begin(before)
    await bench.store.store(before, fence)
    await bench.store.apply(before.number, fence)
    await bench.store.mark(before.number, fence)
    await bench.store.begin(batch)
    await bench.store.store(batch, fence)
    bench.system.sql.text(f"DETACH TABLE to_{missed}")
    try:
        await bench.store.apply(batch.number, fence)
    finally:
        bench.system.sql.text(f"ATTACH TABLE to_{missed}")
    if missed in WRITTEN:
        assert bench.differences()
    await bench.store.apply(batch.number, fence)
    assert not bench.differences()


@pytest.mark.parametrize("steps", [1, 2, 3])
async def test_a_new_owner_finishes_what_was_begun(bench: Bench, steps: int) -> None:
    """The former one died after `begin`, `store` or `apply`; the records come again afterwards."""
    records = [first(), second()]
    batch, fence = bench.batch(*records), await bench.claim()
    await bench.store.begin(batch)
    if steps > 1:
        await bench.store.store(batch, fence)
    if steps > 2:
        await bench.store.apply(batch.number, fence)
    told: list[dict[str, list[str]]] = []
    heir = Store(bench.engine, "two")
    owner = Ownership(heir, Numbers(), Patience("test"), told.append)
    await owner.take([PLACE])
    finished, lately = told
    assert bool(finished) == (steps > 1)
    assert finished.items() <= lately.items()
    assert not await heir.open_batches([PLACE], time.time())
    again = bench.batch(*records)
    now = owner.fence([PLACE])
    assert now is not None
    await heir.begin(again)
    await heir.store(again, now)
    await heir.apply(again.number, now)
    await heir.mark(again.number, now)
    assert not bench.differences()
    # the zombie wakes and goes on where it was
    await bench.store.store(batch, fence)
    await bench.store.apply(batch.number, fence)
    assert not bench.differences()


async def test_a_batch_must_be_applied_before_a_newer_one_is_stored(bench: Bench) -> None:
    """The rule that workers keep, broken: a merge takes the older row and its change with it."""
    fence = await bench.claim()
    one, two = bench.batch(first()), bench.batch(second())
    for batch in (one, two):
        await bench.store.begin(batch)
        await bench.store.store(batch, fence)
    bench.system.sql.text("OPTIMIZE TABLE orders FINAL")
    for batch in (one, two):
        await bench.store.apply(batch.number, fence)
    assert bench.differences()


async def test_a_number_that_is_damaged_by_hand_is_found(bench: Bench) -> None:
    batch, fence = bench.batch(first()), await bench.claim()
    await bench.store.begin(batch)
    await bench.store.store(batch, fence)
    await bench.store.apply(batch.number, fence)
    bench.system.sql.text(
        "INSERT INTO product_day VALUES ('s', '2026-11-22', 'EUR', 'p', 0, 0.0001)"
    )
    assert bench.differences() == [
        "product_day ('s', '2026-11-22', 'EUR', 'p'): is (2, 3.0001), should be (2, 3.0)"
    ]
