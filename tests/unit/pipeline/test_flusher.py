"""Chunks become batches: nothing is acknowledged before it is written, and no queue grows for ever."""

import asyncio
import threading
from contextlib import asynccontextmanager

import pytest
from contract_samples import bytes_of, event, order
from decode_oracle import kafka_records

from pipeline import flusher as module
from pipeline.flush import PartitionsRevoked, Written
from pipeline.flusher import Flusher, MemoryBudget
from pipeline.transport import Chunk
from shopstream.contracts.cursor import Partition
from shopstream.contracts.order import NO_WORDS
from shopstream.contracts.topics import ORDERS

VALUE = bytes_of(event(data=order()))
DECODE = module.decode


class FakeDelivery:
    """As the transport hands it over; `acked` counts."""

    def __init__(self, first: int, count: int = 1, partition: int = 0, value: bytes = VALUE):
        records = kafka_records([value] * count)
        for i, record in enumerate(records):
            record.offset = first + i
        self.chunk = Chunk(ORDERS, partition, records)
        self.acked = 0
        self.is_written = self.dropped = False

    def written(self) -> None:
        self.is_written = True

    def ack(self) -> None:
        self.acked += 1

    def drop(self) -> None:
        self.dropped = True


class Engine:
    """Writes when it is told to, and remembers what."""

    def __init__(self) -> None:
        self.batches = []
        self.may_write = asyncio.Event()
        self.may_write.set()
        self.fails: Exception | None = None
        self.told = []
        self.sent = []
        self.may_send = asyncio.Event()
        self.may_send.set()
        self.send_fails: Exception | None = None
        self.held = set()

    async def write(self, batch):
        self.batches.append(batch)
        await self.may_write.wait()
        if self.fails:
            raise self.fails
        return Written(batch, {})

    async def send(self, batch):
        self.sent.append(batch.id)
        await self.may_send.wait()
        if self.send_fails:
            raise self.send_fails

    def hold(self, partition, held):
        (self.held.add if held else self.held.discard)(partition)

    def written(self, written, seconds):
        self.told.append((written.batch.id, seconds >= 0))

    @property
    def sizes(self):
        return [batch.records for batch in self.batches]


async def no_words(shops):
    return {}


@pytest.fixture
def engine():
    return Engine()


@pytest.fixture
async def flusher(engine):
    async with flushing(engine, 0.01) as made:
        yield made


@asynccontextmanager
async def flushing(engine, pace):
    numbers = iter(range(1, 1000))
    made = Flusher(
        lambda topic: 7,
        lambda: next(numbers),
        engine.write,
        engine.send,
        engine.written,
        pace,
        MemoryBudget(),
        engine.hold,
        no_words,
    )
    running = asyncio.create_task(made.run())
    made.running = running
    yield made
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def until(condition):
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.001)


async def stays(condition):
    for _ in range(20):
        await asyncio.sleep(0.001)
        assert condition()


async def offer_all(flusher, deliveries):
    for delivery in deliveries:
        await flusher.offer(delivery)


async def test_a_lone_chunk_is_written_at_once_and_then_acknowledged(flusher, engine):
    delivery = FakeDelivery(41, 3)
    await flusher.offer(delivery)
    await until(lambda: engine.told)
    assert delivery.acked == 1
    assert engine.told == [(1, True)]
    batch = engine.batches[0]
    assert (batch.id, batch.records, batch.staged.num_rows) == (1, 3, 3)
    assert batch.parts == ((ORDERS, 0, 7, 41, 44),)


async def test_nothing_is_acknowledged_before_it_is_written(flusher, engine):
    engine.may_write.clear()
    delivery = FakeDelivery(0)
    await flusher.offer(delivery)
    await until(lambda: engine.batches)
    await stays(lambda: delivery.acked == 0 and not engine.told and not delivery.is_written)
    engine.may_write.set()
    await until(lambda: delivery.acked)
    await until(lambda: engine.told)


async def test_nothing_is_acknowledged_where_writing_fails(flusher, engine):
    engine.fails = RuntimeError("fenced")
    deliveries = [FakeDelivery(n) for n in range(3)]
    await offer_all(flusher, deliveries)
    with pytest.raises(RuntimeError, match="fenced"):
        await flusher.running
    assert [delivery.acked for delivery in deliveries] == [0, 0, 0]
    assert engine.told == []


async def test_what_gathers_while_a_batch_is_written_is_the_next_batch(flusher, engine):
    engine.may_write.clear()
    first, later = FakeDelivery(0), [FakeDelivery(n, partition=n % 2) for n in range(1, 6)]
    await flusher.offer(first)
    await until(lambda: engine.batches)
    await offer_all(flusher, later)
    engine.may_write.set()
    await until(lambda: all(delivery.acked for delivery in later))
    assert engine.sizes == [1, 5]
    assert [batch.id for batch in engine.batches] == [1, 2]
    assert engine.batches[1].partitions == [Partition(ORDERS, 0), Partition(ORDERS, 1)]


async def test_chunks_of_a_partition_are_written_in_the_order_of_their_offer(flusher, engine):
    deliveries = [FakeDelivery(n * 2, 2) for n in range(20)]
    await offer_all(flusher, deliveries)
    await until(lambda: all(delivery.acked for delivery in deliveries))
    offsets = [o for batch in engine.batches for o in batch.history["offset"].to_pylist()]
    assert offsets == list(range(40))


async def test_a_batch_takes_no_further_chunk_once_it_is_full(flusher, engine, monkeypatch):
    monkeypatch.setattr(module, "MAX_RECORDS", 10)
    engine.may_write.clear()
    await flusher.offer(FakeDelivery(0))
    await until(lambda: engine.batches)
    later = [FakeDelivery(n * 4 + 1, 4) for n in range(5)]
    await offer_all(flusher, later)
    engine.may_write.set()
    await until(lambda: all(delivery.acked for delivery in later))
    assert engine.sizes == [1, 12, 8]


async def test_a_batch_is_full_of_bytes_too(flusher, engine, monkeypatch):
    monkeypatch.setattr(module, "MAX_BYTES", 2 * len(VALUE))
    engine.may_write.clear()
    await flusher.offer(FakeDelivery(0))
    await until(lambda: engine.batches)
    later = [FakeDelivery(n) for n in range(1, 5)]
    await offer_all(flusher, later)
    engine.may_write.set()
    await until(lambda: all(delivery.acked for delivery in later))
    assert engine.sizes == [1, 2, 2]


async def test_a_chunk_that_is_larger_than_a_batch_is_one(flusher, engine, monkeypatch):
    monkeypatch.setattr(module, "MAX_RECORDS", 10)
    delivery = FakeDelivery(0, 35)
    await flusher.offer(delivery)
    await until(lambda: delivery.acked)
    assert engine.sizes == [35]


async def test_the_offer_waits_while_two_full_batches_wait(flusher, engine, monkeypatch):
    monkeypatch.setattr(module, "MAX_RECORDS", 10)
    engine.may_write.clear()
    await flusher.offer(FakeDelivery(0))
    await until(lambda: engine.batches)
    await offer_all(flusher, [FakeDelivery(1, 10), FakeDelivery(11, 10)])
    late = FakeDelivery(21)
    offered = asyncio.create_task(flusher.offer(late))
    await stays(lambda: not offered.done())
    engine.may_write.set()
    await until(offered.done)
    await until(lambda: late.acked)
    assert sum(engine.sizes) == 22


async def test_batches_follow_each_other_at_their_pace(engine):
    async with flushing(engine, 0.3) as flusher:
        loop = asyncio.get_running_loop()
        began = loop.time()
        await flusher.offer(FakeDelivery(0))
        await until(lambda: engine.told)
        await flusher.offer(FakeDelivery(1))
        await until(lambda: engine.sizes == [1, 1])
        assert 0.3 <= loop.time() - began < 3


async def test_a_full_batch_does_not_wait_for_the_pace(engine, monkeypatch):
    monkeypatch.setattr(module, "MAX_RECORDS", 10)
    async with flushing(engine, 60) as flusher:
        await flusher.offer(FakeDelivery(0))
        await until(lambda: engine.told)
        await flusher.offer(FakeDelivery(1, 9))
        await stays(lambda: engine.sizes == [1])
        await flusher.offer(FakeDelivery(10))
        await until(lambda: engine.sizes == [1, 10])


@pytest.mark.parametrize(("share", "longest", "least"), [(0.2, 60, 0.5), (0.0001, 0.3, 0.3)])
async def test_a_batch_that_took_long_is_followed_by_a_longer_rest_up_to_the_longest(
    engine, monkeypatch, share, longest, least
):
    monkeypatch.setattr(module, "SHARE", share)
    monkeypatch.setattr(module, "LONGEST_PACE", longest)
    async with flushing(engine, 0.01) as flusher:
        loop = asyncio.get_running_loop()
        engine.may_write.clear()
        began = loop.time()
        await flusher.offer(FakeDelivery(0))
        await until(lambda: engine.batches)
        await asyncio.sleep(0.1)
        engine.may_write.set()
        await flusher.offer(FakeDelivery(1))
        await until(lambda: engine.sizes == [1, 1])
        assert least <= loop.time() - began


async def test_many_that_waited_for_the_pace_wait_for_no_more(engine, monkeypatch):
    monkeypatch.setattr(module, "MANY_RECORDS", 2)
    monkeypatch.setattr(module, "MORE_SECONDS", 60)
    async with flushing(engine, 0.5) as flusher:
        await flusher.offer(FakeDelivery(0))
        await until(lambda: engine.told)
        await flusher.offer(FakeDelivery(1, 5))
        await until(lambda: engine.sizes == [1, 5])


async def test_no_batch_waits_for_more_of_a_flood_where_another_partition_has_little(
    engine, monkeypatch
):
    monkeypatch.setattr(module, "MANY_RECORDS", 8)
    monkeypatch.setattr(module, "MORE_SECONDS", 60)
    async with flushing(engine, 0.01) as flusher:
        await offer_all(flusher, [FakeDelivery(0, 4), FakeDelivery(0, 4, partition=1)])
        await stays(lambda: not engine.batches)
        await flusher.offer(FakeDelivery(0, 1, partition=2))
        await until(lambda: engine.sizes == [9])


async def test_small_chunks_are_decoded_together(flusher, engine, monkeypatch):
    monkeypatch.setattr(module, "SMALL_RECORDS", 5)
    decoded = []

    def decode(topic, runs, maps=NO_WORDS):
        found = DECODE(topic, runs, maps)
        decoded.append([(run.partition, [one.offset for one in run.records]) for run in runs])
        return found

    monkeypatch.setattr(module, "decode", decode)
    engine.may_write.clear()
    await flusher.offer(FakeDelivery(0))
    await until(lambda: engine.batches)
    decoded.clear()
    later = [
        FakeDelivery(1, 2),
        FakeDelivery(7, 1, partition=1),
        FakeDelivery(3, 2),
        FakeDelivery(5, 6),
        FakeDelivery(8, 1, partition=1),
        FakeDelivery(11, 1),
    ]
    await offer_all(flusher, later)
    await until(lambda: decoded == [[(0, [5, 6, 7, 8, 9, 10])]])
    engine.may_write.set()
    await until(lambda: all(delivery.acked == 1 for delivery in later))
    assert decoded[1:] == [
        [(0, [1, 2, 3, 4]), (1, [7, 8])],
        [(0, [11])],
    ]
    batch = engine.batches[1]
    assert batch.parts == ((ORDERS, 0, 7, 1, 12), (ORDERS, 1, 7, 7, 9))
    assert batch.history["offset"].to_pylist() == [1, 2, 3, 4, 7, 8, *range(5, 12)]
    assert batch.staged["seq"].to_pylist() == list(range(13))


async def test_partitions_take_turns_in_a_batch_and_in_the_next(flusher, engine, monkeypatch):
    monkeypatch.setattr(module, "MAX_RECORDS", 10)
    engine.may_write.clear()
    await flusher.offer(FakeDelivery(0))
    await until(lambda: engine.batches)
    flood = [FakeDelivery(n * 4 + 1, 4) for n in range(3)]
    beside = [FakeDelivery(n, partition=1) for n in range(2)]
    await offer_all(flusher, [*flood, *beside])
    engine.may_write.set()
    await until(lambda: all(delivery.acked for delivery in (*flood, *beside)))
    assert [batch.parts for batch in engine.batches[1:]] == [
        ((ORDERS, 0, 7, 1, 9), (ORDERS, 1, 7, 0, 2)),
        ((ORDERS, 0, 7, 9, 13),),
    ]


async def test_a_flood_that_is_not_decoded_yet_waits_alone(flusher, engine, monkeypatch):
    """Whatever a flood costs to refuse: the records of other partitions are written before it is."""
    may_decode = threading.Event()

    def decode(topic, runs, *maps):
        if len(runs[0].records) >= module.SMALL_RECORDS:
            assert may_decode.wait(5)
        return DECODE(topic, runs, *maps)

    monkeypatch.setattr(module, "decode", decode)
    flood = [FakeDelivery(n * 1000, 1000, value=JUNK) for n in range(3)]
    behind = FakeDelivery(3000)
    beside = [FakeDelivery(n, partition=1) for n in range(3)]
    for delivery in (*flood, behind):
        await flusher.offer(delivery)
    for delivery in beside:
        await flusher.offer(delivery)
        await until(lambda delivery=delivery: delivery.acked)
    assert not any(delivery.acked for delivery in (*flood, behind))
    may_decode.set()
    await until(lambda: all(delivery.acked for delivery in (*flood, behind)))


async def test_the_shortest_queue_is_decoded_first(flusher, engine, monkeypatch):
    may_decode, begun = threading.Event(), []

    def decode(topic, runs, *maps):
        begun.append((runs[0].partition, runs[0].records[0].offset))
        assert may_decode.wait(5)
        return DECODE(topic, runs, *maps)

    monkeypatch.setattr(module, "decode", decode)
    flood = [FakeDelivery(n * 1000, 1000, value=JUNK) for n in range(3)]
    await offer_all(flusher, flood)
    await until(lambda: begun)
    beside = FakeDelivery(0, 600, partition=1)
    await flusher.offer(beside)
    may_decode.set()
    await until(lambda: all(delivery.acked for delivery in (*flood, beside)))
    assert begun == [(0, 0), (1, 0), (0, 1000), (0, 2000)]


async def test_a_partition_of_which_half_a_batch_waits_is_not_read_on(flusher, engine, monkeypatch):
    monkeypatch.setattr(module, "MAX_RECORDS", 10)
    engine.may_write.clear()
    await flusher.offer(FakeDelivery(0))
    await until(lambda: engine.batches)
    await offer_all(flusher, [FakeDelivery(1, 4), FakeDelivery(0, 4, partition=1)])
    assert engine.held == set()
    await flusher.offer(FakeDelivery(5, 1))
    assert engine.held == {Partition(ORDERS, 0)}
    engine.may_write.set()
    await until(lambda: sum(engine.sizes) == 10)
    assert engine.held == set()
    engine.may_write.clear()
    await offer_all(flusher, [FakeDelivery(6, 9), FakeDelivery(15, 9)])
    await until(lambda: engine.held)
    flusher.drop({Partition(ORDERS, 0)})
    assert engine.held == set()


async def test_a_partition_that_is_revoked_while_its_batch_is_decoded_is_left_out(
    flusher, engine, monkeypatch
):
    may_decode = threading.Event()
    begun = threading.Event()

    def decode(*chunk):
        begun.set()
        assert may_decode.wait(5)
        return DECODE(*chunk)

    engine.may_write.clear()
    await flusher.offer(FakeDelivery(0))
    await until(lambda: engine.batches)
    monkeypatch.setattr(module, "decode", decode)
    lost, kept = FakeDelivery(5, partition=1), FakeDelivery(6, partition=2)
    await offer_all(flusher, [lost, kept])
    engine.may_write.set()
    await until(begun.is_set)
    flusher.drop({Partition(ORDERS, 1)})
    may_decode.set()
    await until(lambda: kept.acked)
    assert (lost.acked, lost.dropped, kept.dropped) == (0, True, False)
    assert [batch.partitions for batch in engine.batches] == [
        [Partition(ORDERS, 0)],
        [Partition(ORDERS, 2)],
    ]


async def test_chunks_of_a_revoked_partition_are_forgotten(flusher, engine):
    engine.may_write.clear()
    await flusher.offer(FakeDelivery(0))
    await until(lambda: engine.batches)
    lost, kept = FakeDelivery(5, partition=1), FakeDelivery(6, partition=2)
    await offer_all(flusher, [lost, kept])
    flusher.drop({Partition(ORDERS, 1)})
    engine.may_write.set()
    await until(lambda: kept.acked)
    assert (lost.acked, lost.dropped, kept.dropped) == (0, True, False)
    assert [batch.partitions for batch in engine.batches] == [
        [Partition(ORDERS, 0)],
        [Partition(ORDERS, 2)],
    ]


async def test_a_chunk_that_is_decoded_while_its_partition_is_revoked_is_forgotten(
    flusher, engine, monkeypatch
):
    may_decode, begun = threading.Event(), threading.Event()

    def decode(*chunk):
        begun.set()
        assert may_decode.wait(5)
        return DECODE(*chunk)

    monkeypatch.setattr(module, "decode", decode)
    late = FakeDelivery(5, module.SMALL_RECORDS, partition=1)
    await flusher.offer(late)
    await until(begun.is_set)
    flusher.drop({Partition(ORDERS, 1)})
    may_decode.set()
    kept = FakeDelivery(6, partition=2)
    await flusher.offer(kept)
    await until(lambda: kept.acked)
    assert (late.acked, late.dropped) == (0, True)
    assert [batch.partitions for batch in engine.batches] == [[Partition(ORDERS, 2)]]


async def test_a_partition_that_comes_back_is_written_again(flusher, engine):
    flusher.drop({Partition(ORDERS, 1)})
    again = FakeDelivery(5, partition=1)
    await flusher.offer(again)
    await until(lambda: again.acked)
    assert engine.sizes == [1]


async def test_room_that_a_revocation_makes_lets_the_next_chunk_in(flusher, engine, monkeypatch):
    monkeypatch.setattr(module, "MAX_RECORDS", 10)
    engine.may_write.clear()
    await flusher.offer(FakeDelivery(0))
    await until(lambda: engine.batches)
    await flusher.offer(FakeDelivery(1, 20, partition=1))
    waits = FakeDelivery(1)
    offered = asyncio.create_task(flusher.offer(waits))
    await stays(lambda: not offered.done())
    flusher.drop({Partition(ORDERS, 1)})
    engine.may_write.set()
    await until(lambda: waits.acked)
    assert engine.sizes == [1, 1]


async def test_a_chunk_that_waits_for_room_goes_with_its_partition(flusher, engine, monkeypatch):
    monkeypatch.setattr(module, "MAX_RECORDS", 10)
    engine.may_write.clear()
    await flusher.offer(FakeDelivery(0))
    await until(lambda: engine.batches)
    await flusher.offer(FakeDelivery(1, 20, partition=1))
    waits = FakeDelivery(21, partition=1)
    offered = asyncio.create_task(flusher.offer(waits))
    await stays(lambda: not offered.done())
    flusher.drop({Partition(ORDERS, 1)})
    engine.may_write.set()
    await until(offered.done)
    assert waits.dropped
    await stays(lambda: waits.acked == 0 and engine.sizes == [1])


async def test_what_is_revoked_as_it_is_written_is_dropped(flusher, engine):
    engine.fails = PartitionsRevoked("a partition was revoked")
    lost = FakeDelivery(5)
    await flusher.offer(lost)
    await until(lambda: lost.dropped)
    assert lost.acked == 0


async def test_a_batch_of_refused_records_is_written_and_acknowledged(flusher, engine):
    delivery = FakeDelivery(0, 2, value=b"{}")
    await flusher.offer(delivery)
    await until(lambda: delivery.acked)
    assert (engine.batches[0].staged.num_rows, len(engine.batches[0].refused)) == (0, 2)


async def test_what_is_dropped_while_more_is_waited_for_is_no_batch(engine, monkeypatch) -> None:
    monkeypatch.setattr(module, "MANY_RECORDS", 1)
    monkeypatch.setattr(module, "MORE_SECONDS", 0.05)
    numbers = iter(range(100)).__next__
    flusher = Flusher(
        lambda _: 1,
        numbers,
        engine.write,
        engine.send,
        engine.written,
        0,
        MemoryBudget(),
        engine.hold,
        no_words,
    )
    await flusher.offer(FakeDelivery(0))
    running = asyncio.ensure_future(flusher.run())
    await asyncio.sleep(0)
    flusher.drop({Partition(ORDERS, 0)})
    kept = FakeDelivery(7, partition=1)
    await asyncio.wait({running}, timeout=0.2)
    await flusher.offer(kept)
    async with asyncio.timeout(10):
        while not kept.acked:
            await asyncio.sleep(0.01)
    assert engine.sizes == [1]
    running.cancel()


async def test_flushers_of_one_worker_share_a_memory_budget(engine):
    budget = MemoryBudget(limit=len(VALUE) * 3)
    numbers = iter(range(1, 1000))
    engine.may_write.clear()
    two = [
        Flusher(
            lambda topic: 7,
            lambda: next(numbers),
            engine.write,
            engine.send,
            engine.written,
            0,
            budget,
            engine.hold,
            no_words,
        )
        for _ in range(2)
    ]
    running = [asyncio.create_task(one.run()) for one in two]
    await two[0].offer(FakeDelivery(0, 3))
    await until(lambda: len(engine.batches) == 1)
    # full with what is being written: one chunk of each may still wait
    await two[0].offer(FakeDelivery(3))
    await two[1].offer(FakeDelivery(0))
    await until(lambda: len(engine.batches) == 2)
    await two[1].offer(FakeDelivery(1))
    late = [asyncio.create_task(one.offer(FakeDelivery(9))) for one in two]
    await stays(lambda: not any(task.done() for task in late))
    engine.may_write.set()
    await until(lambda: all(task.done() for task in late))
    await until(lambda: sum(engine.sizes) == 8)
    assert not budget.full
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)


JUNK = b"junk"


async def test_letters_are_sent_beside_the_next_batches_which_do_not_wait_for_them(flusher, engine):
    engine.may_send.clear()
    refused, good = FakeDelivery(0, value=JUNK), FakeDelivery(0, partition=1)
    await flusher.offer(refused)
    await until(lambda: engine.sent)
    await flusher.offer(good)
    await until(lambda: good.acked)
    assert refused.acked == 0
    engine.may_send.set()
    await until(lambda: refused.acked)


async def test_partitions_without_refused_records_do_not_wait_for_the_letters_of_their_batch(
    flusher, engine
):
    engine.may_write.clear()
    await flusher.offer(FakeDelivery(0))
    await until(lambda: engine.batches)
    engine.may_send.clear()
    refused, behind = FakeDelivery(1, value=JUNK), FakeDelivery(2)
    beside = FakeDelivery(0, partition=1)
    await offer_all(flusher, [refused, behind, beside])
    engine.may_write.set()
    await until(lambda: beside.acked)
    assert engine.sizes == [1, 3]
    await stays(lambda: (refused.acked, behind.acked) == (0, 0))
    assert refused.is_written  # reports do not wait for letters
    assert behind.is_written
    engine.may_send.set()
    await until(lambda: refused.acked and behind.acked)


async def test_no_more_than_a_few_batches_have_letters_on_their_way(flusher, engine):
    engine.may_send.clear()
    for number in range(module.SENDS_AT_ONCE + 3):
        await flusher.offer(FakeDelivery(number, value=JUNK))
        await until(lambda n=number: len(engine.batches) > min(n, module.SENDS_AT_ONCE))
    await stays(lambda: len(engine.sent) == module.SENDS_AT_ONCE)
    engine.may_send.set()
    await until(lambda: len(engine.sent) > module.SENDS_AT_ONCE)


async def test_what_is_acknowledged_is_told_though_its_letters_wait_for_others(engine, monkeypatch):
    monkeypatch.setattr(module, "SENDS_AT_ONCE", 1)
    engine.may_send.clear()
    async with flushing(engine, 0.01) as flusher:
        engine.may_write.clear()
        await flusher.offer(FakeDelivery(0, value=JUNK))
        await until(lambda: engine.batches)
        refused, good = FakeDelivery(1, value=JUNK), FakeDelivery(0, partition=1)
        await offer_all(flusher, [refused, good])
        engine.may_write.set()
        await until(lambda: good.acked)
        assert [number for number, _ in engine.told] == [1, 2]
        await stays(lambda: refused.acked == 0)


async def test_letters_that_meet_a_fault_end_the_flusher_though_nothing_comes(flusher, engine):
    engine.send_fails = RuntimeError("no such topic")
    delivery = FakeDelivery(0, value=JUNK)
    await flusher.offer(delivery)
    with pytest.raises(RuntimeError, match="no such topic"):
        await flusher.running
    assert delivery.acked == 0
