"""A producer that starts with its first record, and never after its end."""

import asyncio
from pathlib import Path

import pytest
from aiokafka.errors import KafkaTimeoutError, ProducerClosed

from shopstream import lazy_producer
from shopstream.lazy_producer import LazyProducer
from support.brokers import OwnBroker


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


@pytest.mark.parametrize("gone", [False, True])
async def test_nothing_is_left_of_one_whose_broker_does_not_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, gone: bool
) -> None:
    monkeypatch.setattr(lazy_producer, "END_SECONDS", 0.2)
    with OwnBroker(tmp_path) as broker:
        options = {"enable_idempotence": True, "request_timeout_ms": 2000}
        lazy = LazyProducer(bootstrap_servers=broker.brokers.bootstrap, **options)
        before = asyncio.all_tasks()
        producer = await lazy.started()
        assert (await producer.send_and_wait("shop.orders", b"x", partition=0)).offset == 0
        (node,) = broker.brokers.nodes
        if gone:
            node.kill()
        else:
            node.freeze()
        left = await producer.send("shop.orders", b"y", partition=0)
        await lazy.close(20)
        with pytest.raises(KafkaTimeoutError):
            await left
        assert asyncio.all_tasks() == before
