"""Deliveries, commits and the as-of instant, with the app in the test's own event loop."""

import asyncio
import contextlib
import time

import faust
from faust.types import TP
from transport_harness import until

from pipeline import transport

SHORT_SESSION = {
    "broker_session_timeout": 2.0,
    "broker_heartbeat_interval": 0.4,
    "broker_commit_interval": 0.1,
}


class Running:
    """A Faust app on one topic that keeps its deliveries until the test acknowledges them."""

    def __init__(self, bootstrap, topic, directory, group="group"):
        self.topic, self.group, self.got = topic, f"{group}-{topic}", []
        settings = {**transport.settings(), **SHORT_SESSION, "datadir": str(directory)}
        self.app = faust.App(self.group, broker=f"kafka://{bootstrap}", **settings)
        self.kafka = transport.install(self.app)

        @self.app.agent(transport.chunk_topic(self.app, topic))
        async def keep(stream):
            async for delivery in transport.deliveries(stream):
                self.got.append(delivery)

        self.agent = keep

    async def __aenter__(self):
        await self.app.start()
        return self

    async def __aexit__(self, *_):
        await self.app.stop()

    def progress(self, partition):
        return self.kafka.progress().get(TP(self.topic, partition), transport.Progress(-1, 0.0))

    async def until_fresh(self, partition, instant, timeout=5.0):
        fresh = lambda: self.progress(partition).as_of > instant  # noqa: E731
        await until(fresh, timeout, f"as_of > {instant}")

    async def delivery(self, kafka, value, partition):
        """Produce one record and wait for its delivery."""
        had = len(self.got)
        await kafka.producer.send_and_wait(self.topic, value, partition=partition)
        await until(lambda: len(self.got) > had)
        return self.got[-1]


async def test_acknowledgements_out_of_order_hold_the_commit(broker, kafka, topic, tmp_path):
    async with Running(broker, topic, tmp_path) as app:
        await until(lambda: app.progress(0).next == 0)
        first, second, third = [await app.delivery(kafka, b"x", 0) for _ in range(3)]
        third.ack()
        await app.app.consumer.commit()
        assert await kafka.committed(app.group, topic, 1) == [0]
        assert app.progress(0).next == 0
        first.ack()
        await kafka.until_committed(app.group, topic, [1])
        assert app.progress(0).next == 1
        second.ack()
        second.ack()
        await kafka.until_committed(app.group, topic, [3])
        assert app.progress(0).next == 3


async def test_a_held_partition_waits_in_kafka_while_the_others_are_read(
    broker, kafka, topic, tmp_path
):
    async with Running(broker, topic, tmp_path) as app:
        await until(lambda: app.progress(0).next == 0)
        held = TP(topic, 0)
        app.kafka.hold(held, True)
        # a fetch that had begun before may still bring some
        await app.delivery(kafka, b"x", 1)
        had = len(app.got)
        for _ in range(3):
            await kafka.producer.send_and_wait(topic, b"held", partition=0)
            await app.delivery(kafka, b"x", 1)
        assert [delivery.chunk.partition for delivery in app.got[had:]] == [1, 1, 1]
        app.kafka.hold(held, False)
        await until(lambda: sum(len(one.chunk) for one in app.got[had:]) == 6)
        app.kafka.hold(held, True)
        app.kafka.hold(TP(topic, 1), True)
        await asyncio.sleep(0.1)
        app.kafka.hold(held, False)
        await app.delivery(kafka, b"x", 0)
        for delivery in app.got:
            delivery.ack()
        await kafka.until_committed(app.group, topic, [4, 4])


async def test_a_cancelled_agent_acknowledges_nothing(broker, kafka, topic, tmp_path):
    async with Running(broker, topic, tmp_path) as app:
        await until(lambda: app.progress(0).next == 0)
        await app.delivery(kafka, b"x", 0)
        app.agent.cancel()
        await app.app.consumer.commit()
        app.got.clear()
    assert await kafka.committed(app.group, topic, 1) == [0]


async def test_the_as_of_instant_passes_an_event_only_when_it_is_acknowledged(
    broker, kafka, topic, tmp_path
):
    async with Running(broker, topic, tmp_path) as app:
        await app.until_fresh(0, 0.0)
        delivery = await app.delivery(kafka, b"x", 0)
        reached = time.time()
        await app.until_fresh(1, reached + 0.3)
        assert app.progress(0).as_of <= reached
        assert app.progress(0).next == 0
        delivery.ack()
        await app.until_fresh(0, reached + 0.3, timeout=5.0)
        assert app.progress(0).next == 1


async def test_the_as_of_instant_of_a_quiet_worker_stays_fresh(broker, kafka, topic, tmp_path):
    async with Running(broker, topic, tmp_path) as app:
        await until(lambda: all(app.progress(p).as_of > 0 for p in range(4)))
        ages, end = [], time.monotonic() + 1.5
        while time.monotonic() < end:
            ages.append(max(time.time() - app.progress(p).as_of for p in range(4)))
            await asyncio.sleep(0.01)
        assert max(ages) < 5.0


async def test_a_worker_that_starts_again_goes_on_where_it_committed(
    broker, kafka, topic, tmp_path
):
    async with Running(broker, topic, tmp_path) as app:
        await until(lambda: app.progress(0).next == 0)
        (await app.delivery(kafka, b"x", 0)).ack()
        await kafka.until_committed(app.group, topic, [1])
    async with Running(broker, topic, tmp_path) as app:
        began = time.time()
        await app.until_fresh(0, began)
        assert app.progress(0).next == 1
        assert app.got == []


async def test_records_wait_for_the_callbacks_of_an_assignment(broker, kafka, topic, tmp_path):
    app, go, told = Running(broker, topic, tmp_path), asyncio.Event(), []

    async def recover(tps):
        told.append(("assigned", tps))
        await go.wait()

    async def give_up(tps):
        told.append(("revoked", tps))
        for delivery in app.got:
            delivery.ack()

    app.kafka.on_assigned(recover)
    app.kafka.on_revoked(give_up)
    everything = {TP(topic, p) for p in range(4)}
    async with app:
        await kafka.produce(topic, range(8), 4)
        await until(lambda: told)
        await asyncio.sleep(0.5)
        assert app.got == []
        go.set()
        await until(lambda: sum(len(d.chunk) for d in app.got) == 8)
    assert told == [("assigned", everything), ("revoked", everything)]
    assert await kafka.committed(app.group, topic, 4) == [2, 2, 2, 2]


async def test_a_delivery_of_a_revoked_partition_is_acknowledged_without_effect(
    broker, kafka, topic, tmp_path
):
    async with contextlib.AsyncExitStack() as stack:
        one = await stack.enter_async_context(Running(broker, topic, tmp_path / "1"))
        await until(lambda: one.progress(3).next == 0)
        await kafka.produce(topic, range(4), 4)
        await until(lambda: len(one.got) == 4)
        two = await stack.enter_async_context(Running(broker, topic, tmp_path / "2"))
        await until(lambda: len(two.kafka.progress()) == 2 == len(one.kafka.progress()))
        moved = {tp.partition for tp in two.kafka.progress()}
        for delivery in one.got[:4]:
            if delivery.chunk.partition in moved:
                delivery.ack()
        await one.app.consumer.commit()
        assert await kafka.committed(one.group, topic, 4) == [0, 0, 0, 0]
        await until(lambda: [told.next for told in one.kafka.progress().values()] == [0, 0])
        await until(lambda: {d.chunk.partition for d in two.got} == moved)
        one.got.clear(), two.got.clear()


async def test_a_rebalance_waits_for_what_is_written_and_for_nothing_that_the_sink_has_dropped(
    broker, kafka, topic, tmp_path
):
    app, written = Running(broker, topic, tmp_path), []

    async def drop(tps):
        for delivery in app.got:
            if delivery.chunk.partition == 2:
                written.append(asyncio.get_running_loop().call_later(0.3, delivery.ack))
            else:
                delivery.drop()

    app.kafka.on_revoked(drop)
    async with app:
        app.app.consumer._drain_seconds = 60
        await kafka.produce(topic, range(4), 4)
        await until(lambda: len(app.got) == 4)
        async with asyncio.timeout(10):
            await app.app.consumer.wait_empty()
        assert written
        assert await kafka.committed(app.group, topic, 4) == [0, 0, 1, 0]


async def test_records_taken_while_nothing_flows_come_again(broker, kafka, topic, tmp_path):
    async with Running(broker, topic, tmp_path) as app:
        await until(lambda: app.progress(0).next == 0)
        app.app.consumer.stop_flow()
        await kafka.produce(topic, range(8), 4)
        await asyncio.sleep(0.5)
        assert app.got == []
        app.app.consumer.resume_flow()
        await until(lambda: sum(len(d.chunk) for d in app.got) == 8)
        for delivery in app.got:
            delivery.ack()
        await kafka.until_committed(app.group, topic, [2, 2, 2, 2])


async def test_a_rewind_of_a_running_worker_reads_from_the_beginning(
    broker, kafka, topic, tmp_path
):
    async with Running(broker, topic, tmp_path) as app:
        await kafka.produce(topic, range(40), 4)
        await until(lambda: sum(len(d.chunk) for d in app.got) == 40)
        held, app.got = app.got, []
        for delivery in held[:-1]:
            delivery.ack()
        await app.kafka.rewind(set(app.kafka.progress()))
        await until(lambda: sum(len(d.chunk) for d in app.got) == 40)
        held[-1].ack()
        await kafka.until_committed(app.group, topic, [0, 0, 0, 0])
        for delivery in app.got:
            delivery.ack()
        await kafka.until_committed(app.group, topic, [10, 10, 10, 10])
        await app.until_fresh(0, time.time())


async def test_a_rewind_while_partitions_arrive_wins_over_the_committed_offset(
    broker, kafka, topic, tmp_path
):
    async with Running(broker, topic, tmp_path) as app:
        await kafka.produce(topic, range(40), 4)
        await until(lambda: sum(len(d.chunk) for d in app.got) == 40)
        for delivery in app.got:
            delivery.ack()
        await kafka.until_committed(app.group, topic, [10, 10, 10, 10])
    again = Running(broker, topic, tmp_path)
    again.kafka.on_assigned(again.kafka.rewind)
    async with again:
        await until(lambda: sum(len(d.chunk) for d in again.got) == 40)
        await kafka.until_committed(again.group, topic, [0, 0, 0, 0])
        for delivery in again.got:
            delivery.ack()
        await kafka.until_committed(again.group, topic, [10, 10, 10, 10])


async def test_a_callback_that_fails_crashes_the_worker_before_a_record_flows(
    broker, kafka, topic, tmp_path
):
    app = Running(broker, topic, tmp_path)

    async def fail(tps):
        raise RuntimeError("cannot recover")

    app.kafka.on_assigned(fail)
    await kafka.produce(topic, range(4), 4)
    async with app:
        await until(lambda: app.app.consumer.crashed)
        await asyncio.sleep(0.2)
        assert app.got == []
