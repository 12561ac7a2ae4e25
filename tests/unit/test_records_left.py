"""Records that a producer has left at its end."""

import asyncio
import gc
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import KafkaTimeoutError
from aiokafka.producer.message_accumulator import MessageAccumulator

from shopstream.lazy_producer import fail_left

SENT, NEW = TopicPartition("t", 0), TopicPartition("t", 1)


async def test_records_that_are_left_fail_and_the_loop_reports_nothing_else() -> None:
    """Those of a batch that was sent twice, and of one that was not."""
    reported: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: reported.append(context))
    cluster = SimpleNamespace(leader_for_partition=lambda _: 1)
    accumulator = MessageAccumulator(cluster, 16_384, 0, 30)
    left = [await accumulator.add_message(SENT, None, b"x", 1)]
    for _ in range(2):
        batches, _unknown = accumulator.drain_by_nodes(set())
        accumulator.reenqueue(batches.pop(1)[SENT])
    left.append(await accumulator.add_message(NEW, None, b"y", 1))
    closing = asyncio.create_task(accumulator.close())
    await asyncio.sleep(0)
    fail_left(accumulator)
    await closing
    while left:
        with pytest.raises(KafkaTimeoutError):
            await left.pop()
    assert not accumulator._batches and not accumulator._pending_batches
    del accumulator
    gc.collect()
    await asyncio.sleep(0)
    assert reported == []
