"""Workers that stop, die, join and leave: nothing is lost and commits are exact.

Judged by what reached the sink and by the offsets read back from the broker.
"""

import asyncio
import signal
import time

import pytest
from transport_harness import Kafka, Workers, bootstrap_of, until

PARTITIONS = 4


def all_of(count):
    return set(range(count))


def ends(count):
    return [len(range(p, count, PARTITIONS)) for p in range(PARTITIONS)]


async def produce_slowly(kafka, topic, count, seconds):
    for start in range(0, count, 100):
        await kafka.produce(topic, range(start, start + 100), PARTITIONS)
        await asyncio.sleep(seconds * 100 / count)


async def test_sigterm_commits_exactly_what_the_sink_has(kafka, topic, workers):
    load = asyncio.create_task(produce_slowly(kafka, topic, 4_000, 6))
    workers.start("first", SLOW_SECONDS="0.05")
    await until(lambda: workers.count() > 500)
    assert await workers.stop("first") == 0
    assert await kafka.committed(workers.group, topic, PARTITIONS) == workers.ends(PARTITIONS)
    workers.start("second")
    await load
    await kafka.until_committed(workers.group, topic, ends(4_000))
    assert set(workers.seen().values()) == {1}
    assert set(workers.seen()) == all_of(4_000)


@pytest.mark.embedded_only(reason="../kafka kills whole pipelines")
async def test_kill_9_loses_nothing_and_commits_nothing_too_much(kafka, topic, workers):
    load = asyncio.create_task(produce_slowly(kafka, topic, 4_000, 6))
    workers.start("first", SLOW_SECONDS="0.05")
    await until(lambda: workers.count() > 500)
    await workers.stop("first", signal.SIGKILL)
    committed = await kafka.committed(workers.group, topic, PARTITIONS)
    assert all(c <= s for c, s in zip(committed, workers.ends(PARTITIONS), strict=True))
    workers.start("second")
    await load
    await kafka.until_committed(workers.group, topic, ends(4_000))
    assert set(workers.seen()) == all_of(4_000)


@pytest.mark.embedded_only(reason="says nothing of the broker")
async def test_a_fault_in_the_agent_ends_the_process_and_loses_nothing(kafka, topic, workers):
    workers.start("first")
    await kafka.produce(topic, range(400), PARTITIONS)
    await kafka.until_committed(workers.group, topic, ends(400))
    with workers.flag("fault"):
        await kafka.produce(topic, range(400, 800), PARTITIONS)
        assert await asyncio.to_thread(workers.processes["first"].wait, 15) == 1
    workers.start("second")
    await kafka.until_committed(workers.group, topic, ends(800))
    assert set(workers.seen()) == all_of(800)


@pytest.mark.slow
@pytest.mark.embedded_only(reason="says nothing of the broker")
async def test_a_sink_that_is_down_holds_the_commit_and_sigterm_still_ends(kafka, topic, workers):
    workers.start("first")
    await kafka.produce(topic, range(400), PARTITIONS)
    await kafka.until_committed(workers.group, topic, ends(400))
    with workers.flag("down"):
        await kafka.produce(topic, range(400, 800), PARTITIONS)
        down = time.time()
        for _ in range(10):
            await asyncio.sleep(0.2)
            assert await kafka.committed(workers.group, topic, PARTITIONS) == ends(400)
        assert [told[0] for _, told in sorted(workers.progress("first").items())] == ends(400)
        assert all(as_of <= down for _, as_of in workers.progress("first").values())
    await kafka.until_committed(workers.group, topic, ends(800))
    assert workers.seen() == dict.fromkeys(range(800), 1)
    with workers.flag("down"):
        await kafka.produce(topic, range(800, 1_200), PARTITIONS)
        await asyncio.sleep(0.3)
        assert await workers.stop("first") == 0
    assert await kafka.committed(workers.group, topic, PARTITIONS) == ends(800)
    workers.start("second")
    await kafka.until_committed(workers.group, topic, ends(1_200))
    assert workers.seen() == dict.fromkeys(range(1_200), 1)


@pytest.mark.slow
@pytest.mark.embedded_only(reason="../kafka does that with whole pipelines")
async def test_three_workers_join_leave_and_die(kafka, topic, workers):
    load = asyncio.create_task(produce_slowly(kafka, topic, 10_000, 14))
    watch = asyncio.create_task(workers.watch(kafka, "abc", PARTITIONS))
    workers.start("a")
    await until(lambda: workers.count("a") > 100)
    workers.start("b")
    await until(lambda: workers.count("b") > 100)
    workers.start("c")
    await until(lambda: workers.count("c") > 100)
    await workers.stop("a")
    has = workers.count("b")
    await until(lambda: workers.count("b") > has + 100)
    await workers.stop("b", signal.SIGKILL)
    await load
    await kafka.until_committed(workers.group, topic, ends(10_000))
    assert not watch.done() or watch.result()
    watch.cancel()
    assert set(workers.seen()) == all_of(10_000)


@pytest.mark.slow
@pytest.mark.embedded_only(reason="../kafka stops real brokers")
async def test_a_broker_that_freezes_and_comes_back_then_sigterm_while_frozen(own_broker, tmp_path):
    bootstrap, node = own_broker.bootstrap, own_broker.nodes[0]
    async with Kafka(bootstrap) as kafka:
        await kafka.create("frozen", PARTITIONS)
        workers = Workers(bootstrap, tmp_path, "frozen")
        workers.start()
        try:
            await kafka.produce("frozen", range(400), PARTITIONS)
            await kafka.until_committed(workers.group, "frozen", ends(400))
            node.freeze()
            await asyncio.sleep(4)
            node.wake()
            await kafka.produce("frozen", range(400, 800), PARTITIONS)
            await kafka.until_committed(workers.group, "frozen", ends(800))
            assert set(workers.seen()) == all_of(800)
            node.freeze()
            assert await workers.stop(timeout=20) == 0
        finally:
            node.wake()
            workers.end()


@pytest.mark.embedded_only(reason="real Kafka keeps its records")
async def test_a_broker_that_starts_again_empty_is_read_from_its_beginning(own_broker, tmp_path):
    bootstrap, node = own_broker.bootstrap, own_broker.nodes[0]
    workers = Workers(bootstrap, tmp_path, "orders")
    (tmp_path / "hold").touch()
    try:
        async with Kafka(bootstrap) as kafka:
            await kafka.create("orders", PARTITIONS)
            workers.start()
            await kafka.produce("orders", range(400), PARTITIONS)
            await until(lambda: workers.count() == 400)
        node.kill()
        await bootstrap_of(own_broker)
        async with Kafka(bootstrap) as kafka:
            await kafka.create("orders", PARTITIONS)
            (tmp_path / "hold").unlink()
            await kafka.produce("orders", range(400, 440), PARTITIONS)
            await kafka.until_committed(workers.group, "orders", ends(40))
            await until(lambda: set(workers.seen()) == all_of(440))
    finally:
        workers.end()


@pytest.mark.slow
@pytest.mark.embedded_only(reason="../kafka freezes whole pipelines")
async def test_a_worker_frozen_for_longer_than_its_session_comes_back(kafka, topic, workers):
    workers.start("a", SLOW_SECONDS="0.3")
    await kafka.produce(topic, range(2_000), PARTITIONS)
    await until(lambda: workers.count("a") > 0)
    workers.start("b")
    await until(lambda: len(workers.progress("b")) == 2)
    await kafka.produce(topic, range(2_000, 4_000), PARTITIONS)
    workers.processes["a"].send_signal(signal.SIGSTOP)
    await until(lambda: len(workers.progress("b")) == PARTITIONS)
    await kafka.produce(topic, range(4_000, 5_000), PARTITIONS)
    workers.processes["a"].send_signal(signal.SIGCONT)
    await until(lambda: len(workers.progress("a")) == len(workers.progress("b")) == 2)
    await kafka.produce(topic, range(5_000, 6_000), PARTITIONS)
    await kafka.until_committed(workers.group, topic, ends(6_000))
    assert set(workers.seen()) == all_of(6_000)
