"""Which fetched records are handed over: those of the present assignment and position, and none too early."""

import asyncio
from types import SimpleNamespace as Thing

from aiokafka.structs import TopicPartition
from faust.types import TP

from pipeline.transport.chunk import MAX_CHUNK, MAX_CHUNK_BYTES
from pipeline.transport.consumer import ChunkConsumer
from pipeline.transport.membership import Membership
from pipeline.transport.partitions import PartitionStates

HERE = TP("orders", 0)


def records(first, count=1, value=None):
    return [
        Thing(offset=n, timestamp=0, timestamp_type=0, key=None, value=value, headers=())
        for n in range(first, first + count)
    ]


class Consumer(ChunkConsumer):
    """Without Kafka: one fetch, which `fetching` may delay or disturb."""

    should_stop = False

    def __init__(self, fetching=None):
        self.app = Thing(consumer_generation_id=1)
        self.states = PartitionStates()
        self._membership = Membership(asyncio.ensure_future)
        self._fetching = fetching
        self.flow_active = True
        self.seeks = 0
        self.fetched = {HERE: records(7)}

    def assignment(self):
        return {HERE}

    async def perform_seek(self):
        self.seeks += 1

    async def _wait_next_records(self, timeout):
        if self._fetching:
            await self._fetching()
        return {TopicPartition(*tp): run for tp, run in self.fetched.items()}, None

    async def arrive(self, callback):
        await self._membership.leaving([])
        self.states.open(dict.fromkeys(sorted(self.fetched, reverse=True), 7))
        await self._membership.arrived({HERE}, [callback])

    async def offsets(self):
        return [message.offset async for _, message in self.getmany(0.01)]

    async def messages(self):
        """The (partition, first, next) of each chunk, by message."""
        return [
            (tp, [(chunk.partition, chunk.first, chunk.next) for chunk, _ in message.parts])
            async for tp, message in self.getmany(0.01)
        ]


async def nothing(tps):
    pass


async def settled(consumer):
    await consumer.arrive(nothing)
    while not await consumer._membership.ready(0.01):
        pass
    return consumer


async def test_records_of_a_settled_assignment_are_handed_over():
    consumer = await settled(Consumer())
    assert await consumer.offsets() == [7]
    assert consumer.seeks == 0


async def test_a_topic_has_one_message_a_fetch():
    consumer = Consumer()
    levels = TP("levels", 2)
    consumer.fetched = {HERE: records(7), levels: records(7), TP("orders", 3): records(7, 2)}
    await settled(consumer)
    assert await consumer.messages() == [
        (HERE, [(0, 7, 8), (3, 7, 9)]),
        (levels, [(2, 7, 8)]),
    ]


async def test_a_message_is_no_larger_than_a_chunk():
    consumer = Consumer()
    full = records(7, MAX_CHUNK)
    heavy = records(9, 2, bytes(MAX_CHUNK_BYTES // 2 + 1))
    consumer.fetched = {HERE: full + records(50_000), TP("orders", 1): heavy[:1] + records(10)}
    await settled(consumer)
    end = 7 + MAX_CHUNK
    assert await consumer.messages() == [
        (HERE, [(0, 7, end)]),
        (HERE, [(1, 9, 11), (0, 50_000, 50_001)]),
    ]
    consumer.fetched = {HERE: heavy[:1], TP("orders", 1): heavy[1:]}
    assert await consumer.messages() == [(HERE, [(0, 9, 10)]), (HERE, [(1, 10, 11)])]


async def test_a_full_buffer_stops_a_topic_and_no_other():
    consumer = Consumer()
    beside, other = TP("orders", 3), TP("levels", 2)
    consumer.fetched = dict.fromkeys((HERE, beside, other), records(7))
    await settled(consumer)
    consumer.app.in_recovery = False
    consumer._active_partitions = {HERE, beside, other}
    consumer._buffered_partitions, consumer._buffer_space = set(), asyncio.Event()
    consumer.on_buffer_full(HERE)
    assert consumer._active_partitions == {other}
    consumer.on_buffer_drop(HERE)
    assert consumer._active_partitions == {HERE, beside, other}
    assert not consumer._buffered_partitions
    assert consumer._buffer_space.is_set()


async def test_records_that_came_with_a_new_assignment_wait_for_its_callbacks():
    go = asyncio.Event()

    async def recover(tps):
        await go.wait()

    consumer = await settled(Consumer(lambda: consumer.arrive(recover)))
    taken = asyncio.ensure_future(consumer.offsets())
    await asyncio.sleep(0.05)
    assert not taken.done()
    go.set()
    assert await taken == [7]
    assert consumer.seeks == 0


async def test_records_that_came_during_a_seek_are_read_again():
    async def seek():
        consumer.states.close([HERE])

    consumer = await settled(Consumer(seek))
    assert await consumer.offsets() == []
    assert consumer.seeks == 1


async def test_records_whose_position_was_sought_while_they_waited_are_read_again():
    async def recover(tps):
        consumer.states.open({HERE: 3})

    consumer = await settled(Consumer(lambda: consumer.arrive(recover)))
    assert await consumer.offsets() == []
    assert consumer.seeks == 1
