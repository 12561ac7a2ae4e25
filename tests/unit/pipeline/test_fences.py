"""Which claims a batch and a new owner write under, with a store that only remembers."""

import asyncio
from typing import Any

import pytest

from clickhouse.errors import EngineUnavailable
from pipeline import ownership, retry
from pipeline.fence import Fence
from pipeline.flush import BatchWriter, Fenced, PartitionsRevoked, flush_with_retry
from pipeline.ownership import Ownership
from pipeline.retry import Backoff
from pipeline.snowflake import Snowflake
from pipeline.store import Changed, Conflicts, Lookups
from shopstream.contracts.cursor import Partition

ONE, TWO = Partition("shop.orders", 1), Partition("shop.orders", 2)


class Batch:
    id = 7
    topic = "shop.orders"
    partitions = (ONE,)
    refused = ()

    class staged:
        num_rows = 1


class Store:
    """Writes nothing. `down` statements fail first; `marks` is what `mark` answers."""

    def __init__(self, greatest: int = 0, marks: bool = True) -> None:
        self.greatest = greatest
        self.foreign: dict[Partition, int] = {}
        self.marks = marks
        self.down = 0
        self.written = 1
        self.open: dict[int, list[Partition]] = {}
        self.calls: list[tuple[Any, ...]] = []
        self.at_store = asyncio.Event()

    async def begin(self, batch: Batch) -> None:
        if self.down:
            self.down -= 1
            raise EngineUnavailable("down")

    async def store_history(self, batch: Batch) -> None: ...

    async def created_at_conflicts(self, batch: Batch) -> Conflicts:
        return Conflicts({}, new=True)

    async def store(self, batch: Batch, fence: Fence, equal: bool) -> int:
        self.calls.append(("store", fence.claims))
        return self.written

    async def lookups(self, batch: Batch, new: bool, stored: bool) -> Lookups:
        return {}

    async def apply(self, topic: str, number: int, fence: Fence, *_: object) -> None:
        self.calls.append(("apply", number, fence.claims))

    async def changed(self, topic: str, number: int, small: bool = False) -> Changed:
        return Changed({"s": [900]})

    async def changed_since(self, seconds: float) -> list[dict[str, list[int]]]:
        return [{"late": [1800]}]

    async def mark(self, number: int, fence: Fence) -> bool:
        self.calls.append(("mark", number, fence.claims))
        if self.marks:
            self.open.pop(number, None)
        return self.marks

    async def greatest_claim(self, places: list[Partition]) -> int:
        return max(await self.greatest_claims(places))

    async def greatest_claims(self, places: list[Partition]) -> set[int]:
        return {self.foreign.get(place, self.greatest) for place in places}

    async def claim(self, places: list[Partition], claim: int) -> None:
        self.greatest = claim

    async def running(self) -> set[str]:
        return set()

    async def open_batches(self, places: Any, now: float) -> dict[int, list[Partition]]:
        return dict(self.open)


def owner(store: Store, told: list[Any] | None = None, backoff: Backoff | None = None) -> Ownership:
    tell = (told if told is not None else []).append
    numbers = Snowflake(clock=lambda: 1.8e9, writer=1)

    async def apply(topic: str, number: int, fence: Fence) -> None:
        await store.apply(topic, number, fence)

    async def beside(fence: Fence) -> Fence:
        return fence

    return Ownership(store, apply, numbers, backoff or Backoff("engine"), tell, beside)  # type: ignore[arg-type]


async def taken(store: Store) -> Ownership:
    """An owner of the first partition."""
    mine = owner(store)
    await mine.take([ONE])
    return mine


async def nothing() -> None: ...


async def write(store: Store, mine: Ownership) -> Any:
    backoffs = Backoff("engine"), Backoff("broker")
    return await flush_with_retry(Batch(), BatchWriter(store, None), mine, nothing, *backoffs)  # type: ignore[arg-type]


async def test_a_claim_is_above_every_stored_one_whatever_the_clock_says() -> None:
    store = Store(greatest=2**60)
    mine = await taken(store)
    assert mine.fence([ONE]) == Fence({ONE: 2**60 + 2**22 + 1})


async def test_partitions_are_ours_only_after_open_batches_are_applied() -> None:
    store = Store()
    store.open = {5: [ONE, TWO]}
    told: list[Any] = []
    mine = owner(store, told)
    seen = []

    async def apply(topic: str, number: int, fence: Fence) -> None:
        seen.append((number, dict(fence.claims), mine.fence([ONE])))

    store.apply = apply  # type: ignore[method-assign]
    await mine.take([ONE])
    assert seen == [(5, {ONE: store.greatest}, None)]
    assert mine.fence([ONE]) is not None
    assert told == [{"s": [900]}, {"late": [1800]}]


async def test_a_batch_is_dropped_when_its_partition_went_and_came_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    store = Store()
    mine = await taken(store)
    store.down = 1

    async def rebalance(self: Backoff, error: Exception) -> None:
        mine.give_up([ONE])
        await mine.take([ONE])

    monkeypatch.setattr(retry.Backoff, "pause", rebalance)
    with pytest.raises(PartitionsRevoked):
        await write(store, mine)
    assert store.calls == []


async def test_a_batch_that_was_fenced_by_our_own_newer_claim_is_lost_and_no_fault() -> None:
    store = Store(marks=False)
    mine = await taken(store)

    async def store_rows(batch: Batch, fence: Fence, equal: bool) -> None:
        mine.give_up([ONE])

    store.store = store_rows  # type: ignore[method-assign]
    with pytest.raises(PartitionsRevoked):
        await write(store, mine)


async def test_a_batch_that_another_worker_took_over_ends_this_one() -> None:
    store = Store(marks=False)
    mine = await taken(store)
    with pytest.raises(Fenced):
        await write(store, mine)


async def test_a_first_try_that_stored_nothing_applies_nothing() -> None:
    store = Store()
    mine = await taken(store)
    store.written = 0
    assert (await write(store, mine)).changed == {}
    assert [name for name, *_ in store.calls] == ["store", "mark"]


async def test_a_further_try_applies_what_an_earlier_one_may_have_stored(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(retry, "FIRST_PAUSE", 0.0)
    store = Store()
    mine = await taken(store)
    store.down, store.written = 1, 0
    assert (await write(store, mine)).changed == {"s": [900]}
    assert [name for name, *_ in store.calls] == ["store", "apply", "mark"]


async def test_a_batch_is_written_under_new_claims_after_an_outage(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What was sent under the former ones may begin late: it writes nothing then."""
    monkeypatch.setattr(retry, "FIRST_PAUSE", 0.0)
    store = Store()
    mine = await taken(store)
    former = store.greatest
    store.down = 2
    written = await write(store, mine)
    assert store.greatest > former
    claims = {ONE: store.greatest}
    assert store.calls == [("store", claims), ("apply", 7, claims), ("mark", 7, claims)]
    assert written.changed == {"s": [900]}


async def test_no_further_try_claims_what_another_worker_has_claimed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(retry, "FIRST_PAUSE", 0.0)
    store = Store()
    mine = await taken(store)
    foreign = store.greatest + 2**40

    async def begin(batch: Batch) -> None:
        store.greatest = foreign
        raise EngineUnavailable("down")

    store.begin = begin  # type: ignore[method-assign]
    with pytest.raises(Fenced):
        await write(store, mine)
    assert store.greatest == foreign
    assert store.calls == []


async def test_a_claim_that_may_have_been_stored_is_no_foreign_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The answer to it was lost."""
    monkeypatch.setattr(retry, "FIRST_PAUSE", 0.0)
    store = Store()
    mine = await taken(store)
    store.down, claim, lost = 1, store.claim, [True]

    async def claimed(places: list[Partition], number: int) -> None:
        await claim(places, number)
        if lost.pop() if lost else False:
            raise EngineUnavailable("down")

    store.claim = claimed  # type: ignore[method-assign]
    assert (await write(store, mine)).changed == {"s": [900]}
    assert not lost


async def test_no_further_try_claims_what_went_while_it_looked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The new owner may have looked at the same moment: a greater claim would fence it."""
    monkeypatch.setattr(retry, "FIRST_PAUSE", 0.0)
    store = Store()
    mine = await taken(store)
    former, look = store.greatest, store.greatest_claims
    store.down = 1

    async def looked(places: list[Partition]) -> set[int]:
        mine.give_up([ONE])
        return await look(places)

    store.greatest_claims = looked  # type: ignore[method-assign]
    with pytest.raises(PartitionsRevoked):
        await write(store, mine)
    assert store.greatest == former


async def test_a_foreign_claim_is_seen_below_a_newer_one_of_our_own_for_another_partition() -> None:
    store = Store()
    mine = owner(store)
    await mine.take([ONE, TWO])
    store.foreign = {ONE: store.greatest + 1}
    assert await mine.renew([TWO])
    former = store.greatest
    assert store.foreign[ONE] < former
    with pytest.raises(Fenced):
        await mine.renew([ONE, TWO])
    assert store.greatest == former


async def test_a_new_owner_claims_again_where_one_with_a_greater_claim_finishes_nothing(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(ownership, "SUPERSEDED_SECONDS", 0.1)
    store, backoff = Store(), Backoff("engine")
    mine = owner(store, backoff=backoff)
    store.open = {5: [ONE]}
    mark, claim, late = store.mark, store.claim, [True]

    async def claimed(places: list[Partition], number: int) -> None:
        await claim(places, number)
        if late:  # that of a worker whose partition went after it was sent
            late.clear()
            store.greatest += 1

    async def marked(number: int, fence: Fence) -> bool:
        return fence.claims[ONE] == store.greatest and await mark(number, fence)

    store.claim, store.mark = claimed, marked  # type: ignore[method-assign]
    async with asyncio.timeout(10):
        await mine.take([ONE])
    assert mine.fence([ONE]) == Fence({ONE: store.greatest})
    assert not store.open
    assert backoff.pauses == 0  # ClickHouse serves
    (line,) = [record.message for record in caplog.records if record.levelname == "WARNING"]
    assert line == (
        "batch 5: the worker with a greater claim of shop.orders:1 did not finish it within 0 s and may be gone; "
        "claiming the partitions again"
    )
