"""A shop chooses which statuses count: its history is re-assigned while orders come, exactly."""

import asyncio
import random
from contextlib import suppress
from typing import Any

import pytest

from clickhouse.verify import verify_engine
from clickhouse.windows import WINDOWS
from pipeline import counted_statuses as recounts
from pipeline.batch import Batch
from pipeline.counted_statuses import Apply, CountedStatuses, CountingOwner, Generation
from pipeline.fence import Fence
from pipeline.ownership import Ownership
from pipeline.recount_statements import RecountStatements
from pipeline.retry import Backoff
from pipeline.snowflake import Snowflake
from pipeline.store import Slots, Store
from shopstream.contracts.cursor import Partition
from shopstream.contracts.order import MAY_COUNT
from shopstream.contracts.topics import ORDERS
from support.engine_bench import Bench
from support.events import Sent, item, order, record, settings
from support.load import STATUSES

CHOICES = (
    ["paid"],
    ["pending", "paid", "refunded"],
    ["shipped", "delivered", "completed"],
    ["refunded"],
    None,
)


class Died(Exception):
    """The process is gone at this place."""


class Owner:
    """Of the first partition of orders."""

    def __init__(self, fence: Fence) -> None:
        self._fence = fence

    def fence(self, partitions: list[Partition], /) -> Fence | None:
        return self._fence

    async def wait_for_running_statements(self) -> None:
        return None


def counting(bench: Bench, dies: int = 0) -> CountedStatuses:
    """`dies`: at so manieth statement of its recounts; 0 for never."""
    left = [dies]

    async def apply(topic: str, batch: int, fence: Fence) -> None:
        left[0] -= 1
        if left[0] == 0:
            raise Died
        await bench.writer.apply(topic, batch, fence)

    def changed(_: Slots) -> None:
        left[0] -= 1
        if left[0] == 0:
            raise Died

    return CountedStatuses(bench.store, bench.numbers, apply, changed, lambda: True)


def version_of(draw: random.Random, number: int, version: int) -> Sent:
    more: dict[str, Any] = {}
    if draw.random() < 0.3:
        more["refunds"] = [{"id": "r", "amount": "0.5", "at": "2026-11-23T09:00:00Z"}]
    if draw.random() < 0.3:
        more |= {"taxTotal": "0.25", "placedAt": "2026-10-01T00:00:00Z"}
    items = [item(f"p{draw.randrange(3)}", 2, "1.25", name=f"N{version}")]
    shop = draw.choice("st")
    return record(
        order(
            shop, f"o{number}", version=version, status=draw.choice(STATUSES), items=items, **more
        )
    )


async def write(bench: Bench, batch: Batch, fence: Fence, generation: Generation) -> None:
    under = CountingOwner(Owner(fence), generation).fence([])
    assert under is not None
    await bench.write(batch, under)


@pytest.mark.parametrize("seed", range(4))
async def test_every_number_follows_the_choice_of_the_shop(bench: Bench, seed: int) -> None:
    """Some recounts die at any step, some batches are open as one begins."""
    draw = random.Random(seed)
    fence, said = await bench.own(ORDERS), await bench.own("shop.settings")
    now = counting(bench)
    for version in range(1, 9):
        generation = await now.present()
        await write(
            bench,
            bench.batch(*(version_of(draw, draw.randrange(8), version) for _ in range(6))),
            fence,
            generation,
        )
        assert bench.differences() == []
        choice = draw.choice(CHOICES)
        told = settings(draw.choice("st"), version=version, countedStatuses=choice)
        opened = bench.batch(*(version_of(draw, draw.randrange(8), version) for _ in range(4)))
        under = CountingOwner(Owner(fence), generation).fence([])
        assert under is not None
        await bench.store.begin(opened)
        await bench.store.store(opened, under)
        await bench.write(bench.batch(record(told)), said)
        if draw.random() < 0.6:
            with suppress(Died):
                await counting(bench, dies=draw.randint(1, 5)).recount()
        await counting(bench).recount()
        # what a worker does with the batch that was fenced: once more under the next generation
        if await now.is_former(generation):
            assert not await bench.store.mark(opened.id, under)
        else:
            await bench.writer.apply(ORDERS, opened.id, under)
            assert await bench.store.mark(opened.id, under)
        assert bench.differences() == []
        assert not await counting(bench).recount()
    assert not (await verify_engine(bench.engine)).differences


async def test_a_batch_of_before_a_recount_writes_nothing_after_it(bench: Bench) -> None:
    fence, said = await bench.own(ORDERS), await bench.own("shop.settings")
    former = await counting(bench).present()
    paid = record(order("s", "o", version=1))
    await write(bench, bench.batch(paid), fence, former)
    await bench.write(bench.batch(record(settings("s", countedStatuses=["shipped"]))), said)
    assert await counting(bench).recount()
    late = bench.batch(record(order("s", "o", version=2, status="shipped")))
    under = CountingOwner(Owner(fence), former).fence([])
    assert under is not None
    await bench.store.begin(late)
    assert await bench.store.store(late, under) == 0
    assert not await bench.store.mark(late.id, under)
    await write(bench, late, fence, await counting(bench).present())
    assert bench.differences() == []


async def test_a_shop_that_changes_its_mind_all_the_time_waits_and_the_others_do_not(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    fence, said = await bench.own(ORDERS), await bench.own("shop.settings")
    worker = counting(bench)
    paid = [record(order(shop, "o", version=1)) for shop in "st"]
    await write(bench, bench.batch(*paid), fence, await worker.present())
    for version in range(1, recounts.RECOUNTS + 4):
        choice = ["shipped"] if version % 2 else ["paid"]
        told = settings("s", version=version, countedStatuses=choice)
        await bench.write(bench.batch(record(told)), said)
        assert await worker.recount() == (version <= recounts.RECOUNTS)
    told = settings("t", countedStatuses=["shipped"])
    await bench.write(bench.batch(record(told)), said)
    assert await worker.recount()
    now = await counting(bench).present()
    assert now.counted == {"s": frozenset(["shipped"]), "t": frozenset(["shipped"])}
    told = settings("s", version=99, countedStatuses=["paid"])
    await bench.write(bench.batch(record(told)), said)
    assert not await worker.recount()
    monkeypatch.setattr(recounts, "RECOUNTS_SECONDS", 0.0)  # an hour later
    assert await worker.recount()
    assert (await counting(bench).present()).counted["s"] == frozenset(["paid"])
    assert bench.differences() == []


async def test_a_claim_is_held_for_no_more_shops_than_fit_into_its_time(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recounts, "HOLD_SECONDS", 0.0)
    fence, said = await bench.own(ORDERS), await bench.own("shop.settings")
    first = await counting(bench).present()
    await write(bench, bench.batch(*(record(order(s, "o")) for s in "stu")), fence, first)
    told = [record(settings(shop, countedStatuses=["shipped"])) for shop in "stu"]
    await bench.write(bench.batch(*told), said)
    for shops in (["s"], ["s", "t"], ["s", "t", "u"]):
        assert await counting(bench).recount()
        assert sorted((await counting(bench).present()).counted) == shops
    assert not await counting(bench).recount()
    assert bench.differences() == []


async def test_a_worker_waits_for_the_end_of_a_recount(bench: Bench) -> None:
    fence, said = await bench.own(ORDERS), await bench.own("shop.settings")
    await write(
        bench,
        bench.batch(record(order("s", "o", version=1))),
        fence,
        await counting(bench).present(),
    )
    await bench.write(bench.batch(record(settings("s", countedStatuses=["shipped"]))), said)
    with pytest.raises(Died):
        await counting(bench, dies=1).recount()
    waiting = asyncio.ensure_future(counting(bench).present())
    assert not (await asyncio.wait([waiting], timeout=0.5))[0]
    assert await counting(bench).recount()
    assert (await waiting).counted == {"s": frozenset(["shipped"])}
    assert bench.differences() == []


@pytest.mark.parametrize("dies", [0, 2])
async def test_a_recount_of_many_orders_shows_in_steps(bench: Bench, dies: int) -> None:
    """Between two of them a report mixes both; one that dies is continued by the next."""
    fence, said = await bench.own(ORDERS), await bench.own("shop.settings")
    orders = [record(order("s", f"o{n}", status="paid", items=[item("p", 1, 1)])) for n in range(7)]
    await write(bench, bench.batch(*orders), fence, await counting(bench).present())
    await bench.write(bench.batch(record(settings("s", countedStatuses=["shipped"]))), said)
    steps: list[int] = []
    recounting: list[bool] = []

    def changed(slots: Slots) -> None:
        assert slots.keys() == {"s"}
        query = f"SELECT sum(orders) FROM {WINDOWS['sales_15m'].rows()}"
        steps.append(int(bench.system.sql.rows(query)[0][0]))
        recounting.append(now.under_way)
        if len(steps) == dies:
            raise Died

    now = CountedStatuses(
        bench.store, bench.numbers, bench.writer.apply, changed, lambda: True, at_once=2
    )
    if dies:
        with pytest.raises(Died):
            await now.recount()
        later = counting(bench)
        await later.look()
        assert now.under_way and later.under_way
        assert not (await verify_engine(bench.engine)).differences
    assert await now.recount()
    assert steps == [5, 3, 1, 0]
    assert all(recounting) and not now.under_way
    assert bench.differences() == []
    assert not (await verify_engine(bench.engine)).differences


async def test_orders_of_many_lines_are_fewer_in_a_batch(bench: Bench) -> None:
    """As many as have 12 lines together, or one that has more."""
    fence, said = await bench.own(ORDERS), await bench.own("shop.settings")
    orders = [
        record(
            order("s", f"o{n}", status="paid", items=[item(f"p{i}", 1, 1) for i in range(lines)])
        )
        for n, lines in enumerate([1, 1, 1, 10, 10, 2, 20])
    ]
    await write(bench, bench.batch(*orders), fence, await counting(bench).present())
    await bench.write(bench.batch(record(settings("s", countedStatuses=["shipped"]))), said)
    steps: list[int] = []

    def changed(_: Slots) -> None:
        query = f"SELECT sum(orders) FROM {WINDOWS['sales_15m'].rows()}"
        steps.append(int(bench.system.sql.rows(query)[0][0]))

    now = CountedStatuses(
        bench.store, bench.numbers, bench.writer.apply, changed, lambda: True, lines=12
    )
    assert await now.recount()
    assert steps == [4, 3, 1, 0]
    assert bench.differences() == []
    assert not (await verify_engine(bench.engine)).differences


async def test_a_recount_that_another_took_over_releases_nothing(bench: Bench) -> None:
    """The other dies at once, so a third goes on with what both left."""
    fence, said = await bench.own(ORDERS), await bench.own("shop.settings")
    orders = [record(order("s", f"o{n}", status="paid", items=[item("p", 1, 1)])) for n in range(7)]
    await write(bench, bench.batch(*orders), fence, await counting(bench).present())
    await bench.write(bench.batch(record(settings("s", countedStatuses=["shipped"]))), said)
    others = [counting(bench, dies=1)]

    async def apply(topic: str, batch: int, fence: Fence) -> None:
        await bench.writer.apply(topic, batch, fence)
        while others:
            with suppress(Died):
                await others.pop().recount()

    now = CountedStatuses(
        bench.store, bench.numbers, apply, lambda _: None, lambda: True, at_once=2
    )
    assert await now.recount()
    assert now.under_way
    assert await counting(bench).recount()
    query = f"SELECT sum(orders) FROM {WINDOWS['sales_15m'].rows()}"
    assert bench.system.sql.rows(query) == [["0"]]
    assert bench.differences() == []
    assert not (await verify_engine(bench.engine)).differences


async def test_a_batch_may_have_orders_of_any_number_of_shops_with_statuses_of_their_own(
    bench: Bench,
) -> None:
    """Their statuses are more than a URL takes."""
    shops = [f"{number:0128}" for number in range(200)]
    own = frozenset(status for status in MAY_COUNT if status != "refunded")
    generation = await counting(bench).present()
    many = generation._replace(counted=dict.fromkeys(shops, own))
    orders = [record(order(shop, "o", status="paid")) for shop in shops]
    await write(bench, bench.batch(*orders), await bench.own(ORDERS), many)
    assert bench.differences() == []
    assert await RecountStatements(bench.store).wanted(1, shops * 10) == {}


class Slow(Store):
    """It changes windows a second after it has looked at claims and markers."""

    async def execute_for_batch(self, text: str, *given: Any, **more: Any) -> int:
        late = "\nWHERE sleep(1) = 0" if "INTO order_windows" in text else ""
        return await super().execute_for_batch(text + late, *given, **more)


async def test_a_new_owner_and_a_recount_do_not_apply_one_batch_both(bench: Bench) -> None:
    """Its worker died, and both find it open at the same moment."""
    said = await bench.own("shop.settings")
    generation = await counting(bench).present()
    under = CountingOwner(Owner(await bench.own(ORDERS)), generation).fence([])
    assert under is not None
    batch = bench.batch(record(order("s", "o")))
    await bench.begin(batch, under)
    await bench.write(bench.batch(record(settings("s", countedStatuses=["shipped"]))), said)
    both, stores = asyncio.Barrier(2), [Slow(bench.engine, name) for name in ("one", "two")]

    def finish(store: Store) -> Apply:
        async def apply(topic: str, number: int, fence: Fence) -> None:
            if number == batch.id:
                await both.wait()
            await store.apply(topic, number, fence)

        return apply

    recounting, other = (
        CountedStatuses(store, bench.numbers, finish(store), lambda _: None, lambda: True)
        for store in stores
    )
    owner = Ownership(
        stores[1],
        finish(stores[1]),
        Snowflake(),
        Backoff("x"),
        lambda _: None,
        other.with_recount_claim,
    )
    async with asyncio.timeout(60):
        await asyncio.gather(recounting.recount(), owner.take([Partition(ORDERS, 0)]))
    await counting(bench).recount()
    assert bench.differences() == []
    assert not (await verify_engine(bench.engine)).differences
