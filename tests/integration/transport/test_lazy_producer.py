"""A producer that starts with its first record, and never after its end."""

import asyncio

import pytest
from aiokafka.errors import ProducerClosed

from shopstream.lazy_producer import LazyProducer


@pytest.fixture
def lazy(broker: str) -> LazyProducer:
    return LazyProducer(bootstrap_servers=broker)


async def test_what_was_sent_is_there_after_the_end_and_nothing_starts_behind_it(
    lazy: LazyProducer, topic: str
) -> None:
    producer = await lazy.started()
    assert await lazy.started() is producer
    sent = await producer.send(topic, b"x", partition=0)
    await lazy.close(5)
    assert sent.result().offset == 0
    before = asyncio.all_tasks()
    with pytest.raises(ProducerClosed):
        await lazy.started()
    assert asyncio.all_tasks() == before


async def test_a_start_that_the_end_overtakes_leaves_nothing(lazy: LazyProducer) -> None:
    before = asyncio.all_tasks()
    starting = asyncio.create_task(lazy.started())
    await asyncio.sleep(0)
    await lazy.close(5)
    with pytest.raises(ProducerClosed):
        await starting
    assert asyncio.all_tasks() == before


async def test_one_that_failed_for_many_is_replaced_once(lazy: LazyProducer, topic: str) -> None:
    former = await lazy.started()
    others = await former.send(topic, b"x", partition=1)
    lazy.replace(former)
    present = await lazy.started()
    assert present is not former
    lazy.replace(former)
    assert await lazy.started() is present
    assert (await others).offset == 0
    await lazy.close(5)
