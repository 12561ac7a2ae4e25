"""Progress messages: at once at rest, a few a second under load, and no changed day is left out."""

import asyncio
import json
from datetime import UTC, datetime
from typing import Any

from pipeline.progress_publisher import ProgressPublisher
from pipeline.retry import Backoff
from shopstream.contracts.cursor import Partition
from shopstream.contracts.notices import Progress


class Topic:
    """What was published, with the time of each message."""

    def __init__(self) -> None:
        self.times: list[float] = []
        self.days: set[int] = set()

    async def send(self, _: str, messages: list[Any]) -> None:
        for _, event in messages:
            self.times.append(asyncio.get_running_loop().time())
            kinds = json.loads(event)["data"]["kinds"] or {"s1": {"sales": ()}}
            self.days |= set(kinds.get("s1", {"sales": ()})["sales"])


async def test_however_many_batches_there_are_messages_are_a_few_a_second() -> None:
    topic = Topic()
    # without progress nothing is stored
    none: Any = None
    publisher = ProgressPublisher("w", none, topic, dict, dict, lambda: 1, Backoff("Kafka"), none)
    running = asyncio.create_task(publisher.run())
    loop = asyncio.get_running_loop()
    await publisher.publish()  # the first reports that anything may have changed
    begun = loop.time()
    for day in range(60):
        publisher.mark_changed({"s1": {"sales": frozenset([day])}})
        await asyncio.sleep(0.01)
    took = loop.time() - begun
    while len(topic.days) < 60:
        await asyncio.sleep(0.01)
    running.cancel()
    times = topic.times[1:]
    assert times[0] - begun < 0.1
    assert len(times) <= 5 * took + 2
    assert topic.days == set(range(60))


async def test_no_message_waits_while_progress_is_stored() -> None:
    topic, stored = Topic(), []
    known = {Partition("shop.orders", 0): Progress(1, 2, datetime(2026, 11, 22, tzinfo=UTC))}

    class Engine:
        async def save(self, progress: dict[Partition, Progress]) -> None:
            stored.append(progress)
            await asyncio.Event().wait()

    engine: Any = Engine()
    backoffs = Backoff("Kafka"), Backoff("ClickHouse")
    made = ProgressPublisher("w", engine, topic, lambda: known, dict, lambda: 1, *backoffs)
    storing = asyncio.create_task(made.store())
    async with asyncio.timeout(5):
        await made.publish()
        while not stored:
            await asyncio.sleep(0.001)
        await made.publish()
    storing.cancel()
    assert len(topic.times) == 2
    assert stored == [known]


async def test_partitions_that_went_are_not_stored_any_more() -> None:
    topic, stored = Topic(), []
    known = {Partition("shop.orders", 0): Progress(1, 2, datetime(2026, 11, 22, tzinfo=UTC))}

    class Engine:
        async def save(self, progress: dict[Partition, Progress]) -> None:
            stored.append(progress)

    engine: Any = Engine()
    backoffs = Backoff("Kafka"), Backoff("ClickHouse")
    made = ProgressPublisher("w", engine, topic, lambda: known, dict, lambda: 1, *backoffs)
    await made.publish()
    known = {}
    await made.publish()
    storing = asyncio.create_task(made.store())
    async with asyncio.timeout(5):
        while not stored:
            await asyncio.sleep(0.001)
    storing.cancel()
    assert stored == [{}]


async def test_a_notice_publishes_only_what_was_not_published() -> None:
    topic = Topic()
    none: Any = None
    backoffs = Backoff("Kafka"), Backoff("ClickHouse")
    made = ProgressPublisher("w", none, topic, dict, dict, lambda: 1, *backoffs)
    await made.publish()
    made.mark_changed({"s1": {"sales": frozenset([7])}})
    for _ in range(2):
        await made.publish_changed()
        assert (len(topic.times), topic.days) == (2, {7})
