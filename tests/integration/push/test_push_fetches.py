"""Fetches against a real broker: what is read, and how reading goes on after whatever the broker answers."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import OffsetOutOfRangeError

from api.push import fetches
from api.push.fetches import Fetches
from pipeline.transport import fetched
from pipeline.transport.fetched import FetchedBytes
from pipeline.transport.thread import WatchedClient
from shopstream import record_batches
from shopstream.bounded_aiokafka import bound_aiokafka, fetched_bytes
from shopstream.contracts.topics import PAYMENTS, TRAFFIC
from shopstream.record_batches import (
    FETCHES,
    PAUSE_SECONDS,
    Damaged,
    held_bytes,
)
from support.batches import damage, send_batch
from support.events import Sent
from support.kafka import Kafka
from support.system import System

PLACES = [TopicPartition(topic, n) for topic in (PAYMENTS, TRAFFIC) for n in range(3)]
Read = dict[TopicPartition, list[bytes]]


@pytest.fixture
async def reading(system: System) -> AsyncIterator[Fetches]:
    """From the present end of some partitions on."""
    consumer = AIOKafkaConsumer(bootstrap_servers=system.bootstrap, enable_auto_commit=False)
    await consumer.start()
    await consumer._client.set_topics({PAYMENTS, TRAFFIC})
    found = Fetches(consumer._client, await consumer.end_offsets(PLACES))
    yield found
    await found.close()
    await consumer.stop()


def records(count: int, mark: str) -> list[Sent]:
    """In every partition that is read, so many."""
    return [
        Sent(b"k", f"{mark}-{n}".encode(), partition=tp.partition, topic=tp.topic)
        for n in range(count)
        for tp in PLACES
    ]


def all_of(sent: list[Sent]) -> Read:
    return {
        tp: [one.value for one in sent if (one.topic, one.partition) == tp and one.value]
        for tp in PLACES
    }


async def take(
    there: Fetches, count: int, taken: Callable[[dict[TopicPartition, list[Any]]], None] = id
) -> Read:
    """The values of the next records, in the order of each partition, until there are so many."""
    found: Read = {}
    async with asyncio.timeout(20):
        while sum(map(len, found.values())) < count:
            chunks = await there.take(0.2)
            taken(chunks)
            for tp, chunk in chunks.items():
                found.setdefault(tp, []).extend(record.value for record in chunk)
                assert there.offsets[tp] > chunk[-1].offset
    return found


async def test_every_record_is_read_once_in_the_order_of_its_partition(
    system: System, reading: Fetches
) -> None:
    kafka = Kafka(system.bootstrap)
    for turn in range(4):
        sent = records(50 if turn else 1, f"turn{turn}")
        kafka.produce(sent, system.produced)
        assert await take(reading, len(sent)) == all_of(sent)
    (session,) = reading._sessions.values()
    assert session._epoch > 1


async def test_partitions_take_turns_where_one_take_does_not_hold_everything(
    system: System, reading: Fetches, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetches, "TAKE_RECORDS", 7)
    sent, sizes = records(20, "turns"), []

    def taken(chunks: dict[TopicPartition, list[Any]]) -> None:
        sizes.append(sum(map(len, chunks.values())))

    Kafka(system.bootstrap).produce(sent, system.produced)
    assert await take(reading, len(sent), taken) == all_of(sent)
    assert max(sizes) == 7
    monkeypatch.setattr(fetches, "POLL_BYTES", 1)
    Kafka(system.bootstrap).produce(sent, system.produced)
    sizes.clear()
    assert await take(reading, len(sent), taken) == all_of(sent)
    assert max(sizes) == 1


async def test_what_was_aborted_is_not_read_and_its_offsets_are_passed(
    system: System, reading: Fetches
) -> None:
    kafka = Kafka(system.bootstrap, {"transactional.id": "push-fetches"})
    kafka.transaction(records(3, "aborted"), system.produced, commit=False)
    sent = records(3, "committed")
    kafka.transaction(sent, system.produced)
    begun = dict(reading.offsets)
    assert await take(reading, len(sent)) == all_of(sent)
    passed = {tp: offset + 3 + 1 + 3 + 1 for tp, offset in begun.items()}
    async with asyncio.timeout(20):
        while reading.offsets != passed:  # the marks that end the transactions
            assert await reading.take(0.2) == {}


async def test_a_session_that_the_broker_has_dropped_begins_anew(
    system: System, reading: Fetches
) -> None:
    kafka = Kafka(system.bootstrap)
    for wrong in ({"_id": 12345}, {"_epoch": 777}):
        sent = records(2, str(wrong))
        kafka.produce(sent, system.produced)
        assert await take(reading, len(sent)) == all_of(sent)
        await reading.take(0.0)
        (session,) = reading._sessions.values()
        vars(session).update(wrong)
        sent = records(2, f"{wrong} again")
        kafka.produce(sent, system.produced)
        assert await take(reading, len(sent)) == all_of(sent)


async def test_metadata_is_asked_for_in_intervals_while_a_partition_has_no_leader(
    reading: Fetches, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    monkeypatch.setattr(reading._client, "force_metadata_update", lambda: asked.append(1))
    monkeypatch.setattr(fetches, "RETRY_SECONDS", 3600)
    reading.offsets[TopicPartition(PAYMENTS, 999)] = 0
    for _ in range(20):
        await reading.take(0.0)
    assert len(asked) == 1


async def test_an_offset_that_does_not_exist_is_reported_and_the_others_go_on(
    system: System, reading: Fetches
) -> None:
    first = PLACES[0]
    end = reading.offsets[first]
    reading.seek(first, end + 1000)
    with pytest.raises(OffsetOutOfRangeError) as told:
        for _ in range(20):
            await reading.take(0.2)
    assert told.value.args[0] == {first: end + 1000}
    reading.seek(first, end)
    sent = records(2, "beyond")
    Kafka(system.bootstrap).produce(sent, system.produced)
    assert await take(reading, len(sent)) == all_of(sent)


async def test_no_record_claims_an_offset_of_others(system: System, reading: Fetches) -> None:
    """A broker takes such a batch."""
    tp, deltas = PLACES[0], [0, 1_000_000, 2]
    first = await send_batch(system, None, [b"x"] * 3, tp.partition, topic=tp.topic, deltas=deltas)
    sent = records(2, "behind")
    Kafka(system.bootstrap).produce(sent, system.produced)
    places: list[int] = []
    found = await take(reading, len(sent) + 2, lambda _: places.append(reading.offsets[tp]))
    assert found == {**all_of(sent), tp: [b"0", b"", *all_of(sent)[tp]]}
    assert places == sorted(places)
    assert places[-1] == first + 5


INFLATED, BOUND = 2_100_000, 4_000_000
LONG = [b"%0900d" % n for n in range(2_200)]


async def flood(system: System) -> dict[TopicPartition, list[bytes]]:
    """A batch of two megabytes in every partition, and a short one behind each."""
    for tp in PLACES:
        await send_batch(system, "zstd", LONG, tp.partition, topic=tp.topic)
        await send_batch(system, "zstd", [b"short"], tp.partition, topic=tp.topic)
    return {tp: [*LONG, b"short"] for tp in PLACES}


async def test_what_is_begun_in_many_partitions_is_bounded_in_all(
    system: System, reading: Fetches, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetches, "TAKE_RECORDS", 100)
    monkeypatch.setattr(record_batches, "HELD_BYTES", BOUND)
    bound_aiokafka()
    held: list[int] = []
    sent = await flood(system)
    found = await take(reading, sum(map(len, sent.values())), lambda _: held.append(held_bytes()))
    assert found == sent
    assert BOUND / 2 < max(held) < BOUND + INFLATED
    assert held_bytes() == 0


@pytest.fixture
async def worker(system: System) -> AsyncIterator[AIOKafkaConsumer]:
    """Reads the same partitions as a worker does."""
    bound_aiokafka()
    consumer = AIOKafkaConsumer(
        bootstrap_servers=system.bootstrap,
        enable_auto_commit=False,
        max_partition_fetch_bytes=4 * 1024 * 1024,
    )
    await consumer.start()
    fetcher = consumer._fetcher
    bounds = FetchedBytes(fetcher)
    fetcher._client = WatchedClient(
        fetcher._client, fetcher._subscriptions, time.monotonic, id, bounds
    )
    consumer.assign(PLACES)
    await consumer.seek_to_end()
    yield consumer
    await consumer.stop()


async def test_a_worker_lets_go_of_what_it_does_not_read_on(
    system: System, worker: AIOKafkaConsumer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(record_batches, "HELD_BYTES", BOUND)
    sent = await flood(system)
    found: Read = {}
    most = turn = 0
    async with asyncio.timeout(60):
        while found != sent:
            turn += 1  # for a while two of them are not read on
            wanted = set(PLACES) - {PLACES[turn // 20 % 6], PLACES[turn // 50 % 6]}
            chunks = await worker._fetcher.fetched_records(wanted, 0.2, max_records=150)
            most = max(most, held_bytes())
            for tp, chunk in chunks.items():
                found.setdefault(tp, []).extend(record.value for record in chunk)
    assert BOUND / 2 < most < BOUND + INFLATED


FETCHED = 1024 * 1024
LARGE = 300_000


async def send_large(system: System) -> Read:
    """Six batches in every partition, which are not compressed."""
    values = {tp: [os.urandom(LARGE) for _ in range(6)] for tp in PLACES}
    for tp, each in values.items():
        for value in each:
            await send_batch(system, None, [value], tp.partition, topic=tp.topic)
    return values


async def test_what_a_worker_has_fetched_is_bounded_in_all(
    system: System, worker: AIOKafkaConsumer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also of partitions that it does not read on, which do not keep it from the others."""
    monkeypatch.setattr(fetched, "FETCHED_BYTES", FETCHED)
    monkeypatch.setattr(fetched, "SHORT_BYTES", 1)
    sent, found, most = await send_large(system), {}, 0

    async def read(wanted: set[TopicPartition]) -> None:
        nonlocal most
        async with asyncio.timeout(30):
            while any(found.get(tp, []) != sent[tp] for tp in wanted):
                chunks = await worker._fetcher.fetched_records(wanted, 0.2, max_records=1)
                most = max(most, fetched_bytes(worker._fetcher))
                for tp, chunk in chunks.items():
                    found.setdefault(tp, []).extend(record.value for record in chunk)

    for count in (1, 3, len(PLACES)):
        await read(set(PLACES[:count]))
        assert found.keys() == set(PLACES[:count])
    assert FETCHED / 2 < most < 2 * FETCHED + LARGE + 1000


async def test_a_worker_fetches_nothing_while_it_reads_nothing_and_holds_the_bound(
    system: System, worker: AIOKafkaConsumer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetched, "FETCHED_BYTES", FETCHED)
    sent, held = await send_large(system), 0
    async with asyncio.timeout(30):
        while held < 2 * FETCHED:
            await asyncio.sleep(0.05)
            held = fetched_bytes(worker._fetcher)
    await asyncio.sleep(0.5)
    assert fetched_bytes(worker._fetcher) == held < 3 * FETCHED + LARGE
    found: Read = {}
    async with asyncio.timeout(30):
        while found != sent:
            for tp, chunk in (await worker._fetcher.fetched_records(None, 0.2)).items():
                found.setdefault(tp, []).extend(record.value for record in chunk)


async def test_what_an_api_process_has_fetched_is_bounded_in_all(
    system: System, reading: Fetches, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetches, "FETCHED_BYTES", FETCHED)
    monkeypatch.setattr(fetches, "TAKE_RECORDS", 1)
    sent, sizes = await send_large(system), []

    def taken(_: object) -> None:
        sizes.append(sum(one.batches.size_in_bytes() for one in reading._left.values()))

    assert await take(reading, 36, taken) == sent
    assert FETCHED / 2 < max(sizes) < FETCHED + LARGE


async def damaged(system: System) -> tuple[int, list[Sent]]:
    """The offset of a batch that the broker does not have any more in one partition; what was sent to the others."""
    tp = PLACES[0]
    values = [b"damaged-%.6f" % time.time()]
    at = await send_batch(system, None, values, tp.partition, topic=tp.topic)
    damage(system, tp.partition, b"damaged-", topic=tp.topic)
    sent = [one for one in records(3, "beside") if (one.topic, one.partition) != tp]
    Kafka(system.bootstrap).produce(sent, system.produced)
    return at, sent


Take = Callable[[], Any]


async def read_beside_damage(sent: list[Sent], take_some: Take) -> tuple[float, float]:
    """The seconds until all of `sent` was read, and until the stand of the damaged batch came."""
    begun, left, beside = time.monotonic(), len(sent), 0.0
    async with asyncio.timeout(20):
        while True:
            for chunk in (await take_some()).values():
                if isinstance(chunk[0].value, Damaged):
                    return beside, time.monotonic() - begun
                left -= len(chunk)
                if not left:
                    beside = time.monotonic() - begun


@pytest.fixture
def came(monkeypatch: pytest.MonkeyPatch) -> dict[Any, int]:
    found: dict[Any, int] = {}
    monkeypatch.setattr(record_batches, "_came", found)
    return found


async def test_a_damaged_batch_is_fetched_again_after_pauses_that_hold_up_no_other(
    system: System, reading: Fetches, came: dict[Any, int]
) -> None:
    _, sent = await damaged(system)
    beside, damage_known = await read_beside_damage(sent, lambda: reading.take(0.2))
    assert 0 < beside < PAUSE_SECONDS < 3 * PAUSE_SECONDS <= damage_known
    assert list(came.values()) == [FETCHES]


async def test_so_does_a_worker(
    system: System, worker: AIOKafkaConsumer, came: dict[Any, int]
) -> None:
    fetcher = worker._fetcher
    at, sent = await damaged(system)
    worker.seek(PLACES[0], at)  # it may have fetched the batch before
    beside, damage_known = await read_beside_damage(
        sent, lambda: fetcher.fetched_records(None, 0.2)
    )
    assert 0 < beside < PAUSE_SECONDS < 3 * PAUSE_SECONDS <= damage_known
    assert list(came.values()) == [FETCHES]
