"""Workers that stop, die, join and leave: nothing is lost and commits are exact.

Judged by what reached the sink and by the offsets read back from the broker.
"""

import asyncio
import signal
import time

import pytest
from transport_harness import until

PARTITIONS = 4


def all_of(count):
    return set(range(count))


def ends(count):
    return [len(range(p, count, PARTITIONS)) for p in range(PARTITIONS)]


class Load:
    """As `async with Load(kafka, topic) as load`: a thousand records a second; how many in `count`."""

    def __init__(self, kafka, topic):
        self._kafka, self._topic = kafka, topic
        self._over, self.count = asyncio.Event(), 0

    async def __aenter__(self):
        self._task = asyncio.create_task(self._run())
        return self

    async def __aexit__(self, *_):
        self._over.set()
        await self._task

    async def _run(self):
        while not self._over.is_set():
            values = range(self.count, self.count + 100)
            await self._kafka.produce(self._topic, values, PARTITIONS)
            self.count += 100
            await asyncio.sleep(0.1)


async def test_sigterm_commits_exactly_what_the_sink_has(kafka, topic, workers):
    async with Load(kafka, topic) as load:
        workers.start("first", SLOW_SECONDS="0.05")
        await until(lambda: workers.count() > 500)
        assert await workers.stop("first") == 0
        assert await kafka.committed(workers.group, topic, PARTITIONS) == workers.ends(PARTITIONS)
        workers.start("second")
        await until(lambda: workers.count("second") > 500)
    await kafka.until_committed(workers.group, topic, ends(load.count))
    assert set(workers.seen().values()) == {1}
    assert set(workers.seen()) == all_of(load.count)


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
async def test_a_sink_that_is_down_holds_the_commit_and_sigterm_still_ends(kafka, topic, workers):
    workers.start("first")
    await kafka.produce(topic, range(400), PARTITIONS)
    await kafka.until_committed(workers.group, topic, ends(400))
    with workers.flag("down"):
        await kafka.produce(topic, range(400, 800), PARTITIONS)
        down = time.time()
        for _ in range(5):
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
async def test_three_workers_join_leave_and_die(kafka, topic, workers):
    """What they tell and commit is watched all the while: never more than is true."""
    watch = asyncio.create_task(workers.watch(kafka, "abc", PARTITIONS))
    async with Load(kafka, topic) as load:
        workers.start("a")
        await until(lambda: workers.count("a") > 100)
        workers.start("b")
        workers.start("c")
        await until(lambda: workers.count("b") > 100 and workers.count("c") > 100)
        await workers.stop("a")
        has = workers.count("b")
        await until(lambda: workers.count("b") > has + 100)
        await workers.stop("b", signal.SIGKILL)
        has = workers.count("c")
        await until(lambda: workers.count("c") > has + 500)
    await kafka.until_committed(workers.group, topic, ends(load.count))
    assert not watch.done() or watch.result()
    watch.cancel()
    assert set(workers.seen()) == all_of(load.count)


@pytest.mark.slow
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
