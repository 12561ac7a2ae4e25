"""Which fetched records are handed over: those of the present assignment and position, and none too early."""

import asyncio
from types import SimpleNamespace as Thing

from aiokafka.structs import TopicPartition
from faust.types import TP

from pipeline.transport.consumer import ChunkConsumer
from pipeline.transport.membership import Membership
from pipeline.transport.partitions import PartitionStates

HERE = TP("orders", 0)


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

    def assignment(self):
        return {HERE}

    async def perform_seek(self):
        self.seeks += 1

    async def _wait_next_records(self, timeout):
        if self._fetching:
            await self._fetching()
        return {
            TopicPartition(*HERE): [
                Thing(offset=7, timestamp=0, timestamp_type=0, serialized_value_size=0)
            ]
        }, None

    async def arrive(self, callback):
        await self._membership.leaving([])
        self.states.open({HERE: 7})
        await self._membership.arrived({HERE}, [callback])

    async def offsets(self):
        return [message.offset async for _, message in self.getmany(0.01)]


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
