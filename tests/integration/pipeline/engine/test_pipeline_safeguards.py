"""Each safeguard by hand against the engine, and what happens without it.

The statements of a batch run one by one through `Store`, as a worker would that dies or is frozen between
any two of them. Where a safeguard is taken away, the oracle must see the damage: else it would prove nothing.
"""

import json
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from clickhouse.client import Row
from clickhouse.errors import EngineError, EngineUnavailable
from pipeline import store
from pipeline.alerts import Alerts, Product
from pipeline.counted_statuses import CountedStatuses
from pipeline.flush import BatchWriter, flush, flush_with_retry
from pipeline.ownership import Ownership, WithRecountClaim
from pipeline.recount_statements import RecountStatements
from pipeline.retry import Backoff
from pipeline.snowflake import Snowflake, first_id_at
from pipeline.store import Known, Slots, Store
from pipeline.topic_specs import TOPIC_SPECS
from shopstream.broker import BrokerUnreachable
from shopstream.contracts.cursor import Partition
from shopstream.contracts.topics import INVENTORY, ORDERS, PAYMENTS
from support.engine_bench import ADDING, OTHER, PAIRS, PLACE, Bench, first, second
from support.events import bought, item, level, order, payment, purchase, record, visit
from support.found import inserted


@pytest.mark.parametrize("topic", PAIRS)
async def test_a_batch_that_is_applied_twice_counts_once(bench: Bench, topic: str) -> None:
    batch, fence = bench.batch(*PAIRS[topic]), await bench.own(topic)
    await bench.begin(batch, fence)
    for _ in range(3):
        await bench.writer.apply(topic, batch.id, fence)
    assert not bench.differences()
    assert await bench.store.mark(batch.id, fence)
    await bench.writer.apply(topic, batch.id, fence)
    assert not bench.differences()
    assert len(set(bench.publisher.events)) == len(bench.book.crossings)


MONTHS = [f"2026-0{month}-11T10:00:00Z" for month in range(1, 7)]
SEVERAL = {
    "shop.orders": [record(order("s", f"o{at}", created=at)) for at in MONTHS],
    "shop.payments": [record(payment("s", f"p{at}")) for at in MONTHS],
    "shop.traffic": [record(visit("s", f"x{at}", at)) for at in MONTHS],
    "shop.purchases": [record(purchase("s", f"b{at}", items=[bought("p", 3)])) for at in MONTHS],
}
"""Of each such topic rows of several parts, or of several keys."""


@pytest.mark.parametrize("topic", ADDING)
async def test_a_repeat_counts_once_however_the_engine_reads_the_batch(
    bench: Bench, topic: str
) -> None:
    """What it changes is one part with its marker, also where it is read as a block of each row."""
    batch, fence = bench.batch(*SEVERAL[topic]), await bench.own(topic)
    await bench.begin(batch, fence)
    table = TOPIC_SPECS[topic].window
    bench.system.sql.text(f"TRUNCATE TABLE {table}")
    for blocks in ({"max_block_size": 1, "max_threads": 4}, {}, {"max_block_size": 2}):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(store, "APPLY", {**store.APPLY, **blocks})
            await bench.writer.apply(topic, batch.id, fence)
        assert not bench.differences()
        parts = "SELECT count() FROM system.parts WHERE active AND rows > 0 AND table = "
        assert bench.system.sql.rows(f"{parts} '{table}'") == [["1"]]


@pytest.mark.parametrize("topic", ADDING)
async def test_a_batch_is_one_part_also_under_a_profile_that_cuts_blocks(
    bench: Bench, topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    profile = {"use_strict_insert_block_limits": 1, "max_insert_block_size": 1}
    monkeypatch.setattr(bench.engine, "_settings", profile)
    batch, fence = bench.batch(*SEVERAL[topic]), await bench.own(topic)
    table = TOPIC_SPECS[topic].window
    bench.system.sql.text(f"SYSTEM STOP MERGES {table}")
    bench.system.sql.text(f"TRUNCATE TABLE {table}")
    await bench.begin(batch, fence)
    await bench.writer.apply(topic, batch.id, fence)
    bench.system.sql.text(f"SYSTEM START MERGES {table}")
    parts = "SELECT count() FROM system.parts WHERE active AND rows > 0 AND table = "
    assert bench.system.sql.rows(f"{parts} '{table}'") == [["1"]]
    assert not bench.differences()


@pytest.mark.parametrize("topic", ADDING)
async def test_a_part_that_was_lost_is_written_again(bench: Bench, topic: str) -> None:
    """The engine died, or failed, after all but the part itself: whatever else it noted, the part decides."""
    batch, fence = bench.batch(*SEVERAL[topic]), await bench.own(topic)
    await bench.begin(batch, fence)
    table = TOPIC_SPECS[topic].window
    bench.system.sql.text(f"TRUNCATE TABLE {table}")
    await bench.writer.apply(topic, batch.id, fence)
    bench.system.sql.text(f"ALTER TABLE {table} DROP PARTITION tuple()")
    assert bench.differences()
    await bench.writer.apply(topic, batch.id, fence)
    assert not bench.differences()


@pytest.mark.parametrize("small", [False, True])
async def test_a_repeat_counts_once_whoever_added_up_the_rows_of_the_first_try(
    bench: Bench, small: bool
) -> None:
    """Of few orders the engine does, as it inserts them; of many, and in a repeat, the statement."""
    sent = [*SEVERAL[ORDERS], *SEVERAL[ORDERS], *PAIRS[ORDERS]]
    batch, fence = bench.batch(*sent), await bench.own(ORDERS)
    await bench.begin(batch, fence)
    known = Known(TOPIC_SPECS[ORDERS].lookups, small, parts=True)
    await bench.store.apply(ORDERS, batch.id, fence, known)
    assert not bench.differences()
    await bench.writer.apply(ORDERS, batch.id, fence)
    assert not bench.differences()


STORED = {
    ORDERS: lambda at: order("s", f"o{at}", version=2),
    INVENTORY: lambda at: level("s", f"p{at}", 5),
    PAYMENTS: lambda at: payment("s", f"p{at}"),
}


@pytest.mark.parametrize("topic", STORED)
async def test_a_small_batch_reads_by_keys_alone(bench: Bench, topic: str) -> None:
    """The engine plans it without optimizations; where it read all that is stored, this would be too many rows."""
    fence = await bench.own(topic)
    batch = bench.batch(*(record(STORED[topic](at)) for at in range(store.SMALL_ROWS + 1)))
    await bench.write(batch, fence)
    batch = bench.batch(record(STORED[topic](store.SMALL_ROWS + 1)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store, "SMALL", {**store.SMALL, "max_rows_to_read": 1500})
        await bench.begin(batch, fence)
        await bench.store.changed(topic, batch.id, small=True)
        known = Known(TOPIC_SPECS[topic].lookups, small=True, parts=True)
        await bench.writer.apply(topic, batch.id, fence, known)
    assert not bench.differences()


@pytest.mark.parametrize("topic", ADDING)
async def test_without_marker_and_mark_it_counts_twice(bench: Bench, topic: str) -> None:
    batch, fence = bench.batch(PAIRS[topic][0]), await bench.own(topic)
    await bench.begin(batch, fence)
    await bench.apply_without_marker(batch, fence)
    assert not bench.differences()
    await bench.apply_without_marker(batch, fence)
    assert bench.differences()


async def test_the_mark_alone_keeps_a_late_repeat_out(bench: Bench) -> None:
    """Commit markers are deleted in time; the mark stays as long as the batch may be looked for."""
    batch, fence = bench.batch(first()), await bench.claim()
    await bench.write(batch, fence)
    await bench.apply_without_marker(batch, fence)
    assert not bench.differences()


@pytest.mark.parametrize("topic", PAIRS)
async def test_what_is_stored_already_is_not_stored_again(bench: Bench, topic: str) -> None:
    one, two = PAIRS[topic]
    fence = await bench.own(topic)
    for sent in (two, one, two):
        for _ in range(2):
            batch = bench.batch(sent)
            await bench.store.begin(batch)
            await bench.store.store(batch, fence)
            await bench.store.store(batch, fence)
            await bench.writer.apply(topic, batch.id, fence)
            await bench.store.mark(batch.id, fence)
    assert not bench.differences()


@pytest.mark.parametrize("places", [(PLACE,), (PLACE, OTHER)], ids=["one", "two partitions"])
async def test_an_old_claim_writes_nothing(bench: Bench, places: tuple[Partition, ...]) -> None:
    old = await bench.claim(*places)
    batch = bench.batch(first())
    await bench.store.begin(batch)
    await bench.claim(PLACE)
    await bench.store.store(batch, old)
    assert set(bench.rows().values()) == {0}
    new = await bench.claim(*places)
    await bench.store.store(batch, new)
    stored = bench.rows()
    assert stored["orders"] == 1
    await bench.claim(PLACE)
    await bench.store.apply(batch.topic, batch.id, new)
    assert bench.rows() == stored
    assert not await bench.store.mark(batch.id, new)
    assert set(await bench.store.open_batches([PLACE], time.time())) == {batch.id}
    newest = await bench.claim(*places)
    await bench.store.apply(batch.topic, batch.id, newest)
    assert await bench.store.mark(batch.id, newest)
    assert not bench.differences()


MISSED = [
    (topic, table)
    for topic, spec in TOPIC_SPECS.items()
    for table in (*([spec.window] if spec.window else []), *spec.lookups)
]


@pytest.mark.parametrize(("topic", "missed"), MISSED)
async def test_a_crash_between_two_tables_is_repaired(
    bench: Bench, topic: str, missed: str
) -> None:
    """One table is cut off during the first try, as if the engine had died before it."""
    one, two = PAIRS[topic]
    fence = await bench.own(topic)
    await bench.write(bench.batch(one), fence)
    earlier = [record(order("s", "o2", created="2000-01-01T10:00:00Z"))] if topic == ORDERS else []
    batch = bench.batch(two, *earlier)
    await bench.begin(batch, fence)
    missed = "product_names" if missed == "level_names" else missed
    bench.system.sql.text(f"DETACH TABLE {missed}")
    try:
        with pytest.raises(EngineError, match=missed):
            await bench.store.apply(topic, batch.id, fence)
    finally:
        bench.system.sql.text(f"ATTACH TABLE {missed}")
    assert bench.differences()
    await bench.writer.apply(topic, batch.id, fence)
    assert not bench.differences()


async def test_look_up_tables_take_what_a_batch_may_change(bench: Bench) -> None:
    """A place of each order that is new; a currency of the earliest order, for each version of it."""
    fence = await bench.claim()
    days = [("a", 5), ("b", 6), ("a", 5), ("b", 6), ("c", 4), ("c", 4), ("b", 6)]
    wanted = []
    for number, (name, day) in enumerate(days):
        items = [item("p", 1, 1, name="Tea")] if number < 3 else [item("p", 1, 1)]
        sent = record(
            order("s", name, version=number + 1, created=f"2026-11-0{day}T10:00:00Z", items=items)
        )
        batch = bench.batch(sent)
        found = await bench.store.created_at_conflicts(batch)
        wanted.append(await bench.store.lookups(batch, found.new, found.stored))
        await bench.begin(batch, fence)
        known = Known(wanted[-1], small=True, parts=False)
        await bench.store.apply(ORDERS, batch.id, fence, known)
        assert await bench.store.mark(batch.id, fence)
        assert not bench.differences()
    places, names, first = "order_places", "product_names", "first_orders"
    assert wanted[0]["first_orders"] == ["s"]
    assert [set(one) for one in wanted] == [
        {places, names, first},
        {places, names},
        {names, first},
        {names},
        {places, first},
        {names, first},
        {names},
    ]


async def test_an_order_takes_its_names_back_beside_a_new_one_without_names(bench: Bench) -> None:
    fence = await bench.claim()
    named, nameless = [item("p", 1, 1, name="Tea")], [item("p", 1, 1)]
    await bench.write(bench.batch(record(order("s", "a", version=1, items=named))), fence)
    later = bench.batch(*(record(order("s", name, version=2, items=nameless)) for name in "ab"))
    written = await flush(later, bench.writer, fence, _nothing)
    assert written.lookups is not None and "product_names" in written.lookups
    assert not bench.differences()


async def _nothing() -> None: ...


def with_recount_claim(store: Store) -> WithRecountClaim:
    """Of a worker that recounts nothing."""
    return CountedStatuses(
        store, Snowflake(), store.apply, lambda _: None, lambda: False
    ).with_recount_claim


@pytest.mark.parametrize("steps", [1, 2, 3])
@pytest.mark.parametrize("topic", PAIRS)
async def test_a_new_owner_finishes_what_was_begun(bench: Bench, topic: str, steps: int) -> None:
    """The former one died after `begin`, `store` or `apply`; the records come again afterwards."""
    batch, fence = bench.batch(*PAIRS[topic]), await bench.own(topic)
    await bench.store.begin(batch)
    if steps > 1:
        await bench.store.store(batch, fence)
    if steps > 2:
        await bench.writer.apply(topic, batch.id, fence)
    told: list[Slots] = []
    heir = Store(bench.engine, "two")
    writer = BatchWriter(heir, bench.writer.alerts)
    owner = Ownership(
        heir, writer.apply, Snowflake(), Backoff("test"), told.append, with_recount_claim(heir)
    )
    await owner.take([Partition(topic, 0)])
    finished, *lately = told
    assert bool(finished) == (steps > 1 and TOPIC_SPECS[topic].reports)
    assert any(finished.items() <= one.items() for one in lately)
    assert not await heir.open_batches([Partition(topic, 0)], time.time())
    again = bench.batch(*PAIRS[topic])
    now = owner.fence([Partition(topic, 0)])
    assert now is not None
    await bench.begin(again, now)
    await writer.apply(topic, again.id, now)
    assert await heir.mark(again.id, now)
    assert not bench.differences()
    # the zombie wakes and goes on where it was
    await bench.store.store(batch, fence)
    await bench.writer.apply(topic, batch.id, fence)
    assert not bench.differences()
    assert len(set(bench.publisher.events)) == len(bench.book.crossings)


@pytest.mark.parametrize("topic", ADDING)
async def test_what_a_failed_try_sent_writes_nothing_where_it_begins_late(
    bench: Bench, topic: str
) -> None:
    """As from a connection that an engine which was frozen reads once the worker has given up on the answer."""
    one = Store(bench.engine, "one")
    owner = Ownership(
        one, one.apply, Snowflake(), Backoff("test"), lambda _: None, with_recount_claim(one)
    )
    await owner.take([Partition(topic, 0)])
    apply, sent = one.apply, list[Any]()

    async def later(*given: Any) -> None:
        if not sent:
            sent.extend(given)
            raise EngineUnavailable("no answer")
        await apply(*given)

    one.apply = later  # type: ignore[method-assign]
    writer = BatchWriter(one, bench.writer.alerts)
    batch, backoffs = bench.batch(*PAIRS[topic]), (Backoff("one"), Backoff("two"))
    await flush_with_retry(batch, writer, owner, _nothing, *backoffs)
    assert not bench.differences()
    await apply(*sent)
    assert not bench.differences()


async def test_a_batch_must_be_applied_before_a_newer_one_is_stored(bench: Bench) -> None:
    """The rule that workers keep, broken: a merge takes the older row and its change with it."""
    fence = await bench.claim()
    one, two = bench.batch(first()), bench.batch(second())
    for batch in (one, two):
        await bench.begin(batch, fence)
    bench.system.sql.text("OPTIMIZE TABLE orders FINAL")
    for batch in (one, two):
        await bench.store.apply(batch.topic, batch.id, fence)
    assert bench.differences()


async def test_batches_are_kept_for_longer_than_an_open_one_is_looked_for(bench: Bench) -> None:
    now = time.time()
    part = "['shop.orders'], [0], [1], [0], [1]"
    rows = [
        f"({first_id_at(at)}, {applied}, {at:.3f}, 'w', true, {part})"
        for at, applied in (
            (now - 29 * 86400, False),
            (now - 61 * 86400, False),
            (now - 61 * 86400, True),
        )
    ]
    await bench.engine.execute(f"INSERT INTO batches VALUES {', '.join(rows)}")
    bench.system.sql.text("OPTIMIZE TABLE batches FINAL")
    kept = await bench.engine.rows("SELECT batch FROM batches")
    assert [row["batch"] for row in kept] == [first_id_at(now - 29 * 86400)]
    assert await bench.store.open_batches([PLACE], now) == {kept[0]["batch"]: [PLACE]}


async def test_a_number_that_is_damaged_by_hand_is_found(bench: Bench) -> None:
    batch, fence = bench.batch(first()), await bench.claim()
    await bench.begin(batch, fence)
    await bench.store.apply(batch.topic, batch.id, fence)
    bench.system.sql.text(
        inserted("product_day", "('s', '2026-11-22 00:00:00', 'EUR', 'p', 0, 0.0001)")
    )
    assert bench.differences() == [
        "product_day ('s', '2026-11-22', 'EUR', 'p'): is (2, 3.0001), should be (2, 3.0000)"
    ]


async def test_an_alert_that_was_kept_is_published_also_when_its_row_was_merged_away(
    bench: Bench,
) -> None:
    """The broker was away, and meanwhile a newer version of the level came through another partition."""
    low, back = (record(level("s", "p", quantity, version=n)) for n, quantity in enumerate((3, 30)))
    fence, other = await bench.own(INVENTORY), await bench.claim(Partition(INVENTORY, 1))
    first, second = bench.batch(low), bench.batch(back, partition=1)
    await bench.begin(first, fence)
    alerts, bench.publisher.alerts = bench.publisher.alerts, unreachable  # type: ignore[method-assign]
    with pytest.raises(BrokerUnreachable):
        await bench.writer.apply(INVENTORY, first.id, fence)
    bench.publisher.alerts = alerts  # type: ignore[method-assign]
    await bench.write(second, other)
    bench.system.sql.text("OPTIMIZE TABLE levels FINAL")
    said = len(bench.publisher.events)
    await bench.writer.apply(INVENTORY, first.id, fence)
    assert [json.loads(one)["type"] for one in bench.publisher.events[said:]] == ["stock:low"]


async def test_a_worker_that_was_frozen_publishes_the_alert_that_another_has_stored(
    bench: Bench,
) -> None:
    """Its own figures are others: sales came meanwhile."""
    fence = await bench.own(INVENTORY)
    batch = bench.batch(record(level("s", "p", 3, version=1)))
    await bench.begin(batch, fence)
    frozen = Alerts(bench.engine, bench.publisher, lambda: datetime(2026, 11, 22, 20, tzinfo=UTC))
    figures = frozen._figures

    async def late(crossings: list[Row]) -> Mapping[Product, Row]:
        found = await figures(crossings)
        await bench.writer.apply(INVENTORY, batch.id, fence)
        return {product: {**row, "sold": 99} for product, row in found.items()}

    frozen._figures = late  # type: ignore[method-assign]
    await frozen.publish(batch.id, again=False)
    assert len(bench.publisher.events) == 2
    assert len(set(bench.publisher.events)) == 1
    assert json.loads(bench.publisher.events[0])["data"]["dailySales"] == 0


async def unreachable(_: object) -> None:
    raise BrokerUnreachable("nowhere", "away")


async def test_open_batches_are_found_among_those_of_a_busy_month(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many there are, it takes the same memory."""
    batch, fence = bench.batch(first()), await bench.claim()
    await bench.begin(batch, fence)
    begun = first_id_at(time.time() - 20 * 86400)
    bench.system.sql.text(
        f"INSERT INTO batches SELECT {begun} + number * 4194304, applied, now64(3), 'w', true,"
        " if(applied, [], ['shop.orders']), if(applied, [], [0]), if(applied, [], [1]), if(applied, [], [0]),"
        " if(applied, [], [1]) FROM numbers(2000000) ARRAY JOIN [false, true] AS applied"
    )
    small = {
        "max_memory_usage": 100_000_000,
        "max_bytes_ratio_before_external_group_by": 0,
        "max_threads": 2,
    }
    monkeypatch.setattr(bench.engine, "_settings", small)
    assert await bench.store.open_batches([PLACE], time.time()) == {batch.id: [PLACE]}
    assert await RecountStatements(bench.store).open_batches("none") == [batch.id]
