"""Orders without the rarer fields are written by shorter statements, which give the same rows."""

import random
from typing import Any

import pytest

from clickhouse.client import External
from clickhouse.sql import fill
from clickhouse.status_maps import status_maps
from clickhouse.windows import order_changes
from pipeline.batch import Batch
from pipeline.decode import shape
from pipeline.fence import Fence
from pipeline.flush_statements import RARE, is_plain, store_statement
from pipeline.store import Slots
from pipeline.topic_specs import TOPIC_SPECS
from shopstream.contracts.topics import ORDERS
from support.engine_bench import Bench
from support.events import Sent, item, order, record, settings
from support.system import FULL

SPEC = TOPIC_SPECS[ORDERS]
STATUSES = ("paid", "shipped", "refunded", "cancelled", "failed", "completed")


def lines(draw: random.Random, rare: bool) -> list[dict[str, Any]]:
    made = []
    for number in range(draw.randint(1, 3)):
        quantity = draw.randint(1, 4)
        line = item(f"p{number}", quantity, f"{draw.randint(0, 999)}.{draw.randint(0, 9999):04}")
        if draw.random() < 0.3:
            line["refundedQuantity"] = draw.randint(0, quantity)
        if rare:
            line |= draw.choice(
                [{}, {"quantity": "1.25"}, {"total": "7.77"}, {"kind": "shipping"}, {"unit": "kg"}]
            )
            if "quantity" in line and line["quantity"] == "1.25":
                line.pop("refundedQuantity", None)
        made.append(line)
    return made


def version_of(draw: random.Random, number: int, at: int, rare: bool) -> Sent:
    more: dict[str, Any] = {}
    if draw.random() < 0.3:
        more["refundedTotal"] = str(draw.choice((0, 1, 2.5)))
    if rare and draw.random() < 0.5:
        refund = {"id": f"r{draw.randint(0, 2)}", "amount": "1.5", "at": "2026-11-23T09:00:00Z"}
        more |= {"refunds": [refund]}
    if rare and draw.random() < 0.5:
        more["taxTotal"] = draw.choice(("0.5", "1.25"))
    return record(
        order(
            "s",
            f"o{number}",
            version=at,
            status=draw.choice(STATUSES),
            currency=draw.choice(("EUR", "USD")),
            items=lines(draw, rare),
            **more,
        )
    )


async def stored(
    bench: Bench, batch: Batch, fence: Fence, plain: bool, equal: bool
) -> list[dict[str, Any]]:
    """What the statement stores, into a table of its own."""
    await bench.engine.execute("CREATE OR REPLACE TABLE copies AS orders")
    text = store_statement(SPEC, plain, equal).replace("INSERT INTO orders", "INSERT INTO copies")
    absent = frozenset(RARE if plain else ())
    staged = External(shape.structure(ORDERS, absent), batch.staged.drop_columns(list(absent)))
    params = {**fence.params(), "batch": batch.id}
    await bench.engine.execute(text, params, external={"staged": staged})
    rows = await bench.engine.rows(
        "SELECT toString(tuple(*)) AS row FROM copies ORDER BY row",
    )
    await bench.engine.execute("DROP TABLE copies SYNC")
    return rows


async def changes(bench: Bench, batch: Batch, parts: bool) -> list[dict[str, Any]]:
    rows = fill("(SELECT * FROM orders WHERE batch = {id})", id=str(batch.id))
    return await bench.engine.rows(
        "SELECT toUInt8(grain) AS grain, start, toString(currency) AS currency, product_id, sum(orders) AS orders,"
        " sum(quantity) AS quantity, sum(revenue) AS revenue, max(toUInt32(revised)) AS revised"
        f" FROM ({fill(order_changes(parts), rows=rows)}) GROUP BY ALL ORDER BY ALL"
    )


def sorted_slots(slots: Slots) -> Slots:
    return {shop: sorted(some) for shop, some in slots.items()}


@pytest.mark.parametrize("seed", range(4 if FULL else 2))
async def test_plain_batches_give_the_same_rows_by_both_statements(bench: Bench, seed: int) -> None:
    draw = random.Random(seed)
    fence = await bench.own(ORDERS)
    plain_ones = without_equal = without_parts = 0
    sent: list[Sent] = []
    for at in range(1, 9):
        rare = draw.random() < 0.3
        now = [
            version_of(draw, draw.randint(0, 9), at - draw.randint(0, 1), rare)
            for _ in range(draw.randint(1, 8))
        ]
        again = draw.choices(sent, k=2) if sent and not rare else []
        sent = now
        batch = bench.batch(*again, *now, *draw.sample(now, 1))
        plain = is_plain(batch.staged)
        equal = (await bench.store.created_at_conflicts(batch)).equal
        plain_ones += plain
        without_equal += not equal
        rows = await stored(bench, batch, fence, plain=False, equal=True)
        for form in {(plain, equal), (False, equal), (plain, True)} - {(False, True)}:
            assert rows == await stored(bench, batch, fence, *form), form
        await bench.begin(batch, fence)
        changed = await bench.store.changed(ORDERS, batch.id)
        every = await bench.store._changed(SPEC, batch.id, batch.id)
        assert sorted_slots(changed.slots) == sorted_slots(every)
        if not changed.parts:
            without_parts += 1
            assert await changes(bench, batch, False) == await changes(bench, batch, True)
        await bench.writer.apply(ORDERS, batch.id, fence)
        assert await bench.store.mark(batch.id, fence)
        assert bench.differences() == []
    assert plain_ones and without_equal and without_parts


async def test_a_plain_version_takes_back_what_refunds_and_parts_its_former_one_had(
    bench: Bench,
) -> None:
    fence = await bench.own(ORDERS)
    refund = {"id": "r", "amount": "2.5", "at": "2026-11-23T09:00:00Z"}
    rich = order("s", "o", version=1, items=[item("p", "1.25", 8)], refunds=[refund], taxTotal="1")
    former = bench.batch(record(rich))
    assert not is_plain(former.staged)
    await bench.write(former, fence)
    assert bench.differences() == []
    later = bench.batch(record(order("s", "o", version=2, items=[item("p", 1, 8)])))
    assert is_plain(later.staged)
    await bench.begin(later, fence)
    assert (await bench.store.changed(ORDERS, later.id)).parts
    assert await changes(bench, later, False) != await changes(bench, later, True)
    await bench.writer.apply(ORDERS, later.id, fence)
    assert await bench.store.mark(later.id, fence)
    assert bench.differences() == []


async def test_words_of_any_number_of_shops_are_found(bench: Bench) -> None:
    """A producer gave orders of each a status that is none: their ids are more than a URL takes."""
    told = settings("s", statusMap={"on-hold": "pending"})
    await bench.write(bench.batch(record(told)), await bench.own("shop.settings"))
    shops = [f"{number:0128}" for number in range(2000)]
    assert await status_maps(bench.engine, ["s", *shops]) == {"s": {"on-hold": "pending"}}
    assert await status_maps(bench.engine, shops) == {}
    assert await status_maps(bench.engine) == {"s": {"on-hold": "pending"}}
