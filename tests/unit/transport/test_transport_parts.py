"""Chunks, settings, waits that end, rate-limited logs, and the check at start."""

import asyncio
import logging
from types import SimpleNamespace as Thing

import faust
import pytest
from aiokafka.structs import ConsumerRecord
from faust.exceptions import ImproperlyConfigured
from faust.transport.drivers import aiokafka as driver
from faust.types import TP

from pipeline import transport
from pipeline.transport import compat
from pipeline.transport.bounded import ends_within
from pipeline.transport.chunk import ChunkMessage, chunks
from pipeline.transport.partitions import InFlight
from shopstream.logs import RateLimit


def record(offset, value=b"abc", key=b"k", headers=()):
    size = -1 if value is None else len(value)
    return ConsumerRecord("orders", 3, offset, 1_000, 0, key, value, None, len(key), size, headers)


def app():
    made = faust.App("test", broker="kafka://127.0.0.1:1", **transport.settings())
    transport.install(made)
    return made


def test_a_chunk_knows_its_offsets():
    chunk = transport.Chunk("orders", 3, [record(5), record(9, None), record(12, b"x")])
    assert (chunk.first, chunk.next, len(chunk)) == (5, 13, 3)


def test_records_are_cut_into_chunks_without_copies_where_one_is_enough():
    records = [record(n) for n in range(25)]
    assert [len(c) for c in chunks(TP("orders", 3), records, 10)] == [10, 10, 5]
    assert next(chunks(TP("orders", 3), records, 25)).records is records


def test_a_chunk_ends_with_the_record_that_fills_it():
    records = [record(n, b"x" * 40) for n in range(5)] + [record(5, None)]
    assert [len(c) for c in chunks(TP("orders", 3), records, 10, most=100)] == [3, 3]
    assert [len(c) for c in chunks(TP("orders", 3), records, 10, most=1)] == [1] * 6


@pytest.mark.parametrize("more", [{"key": b"k" * 40}, {"headers": (("n" * 10, b"v" * 30),)}])
def test_keys_and_headers_take_memory_too(more):
    """Of a backlog so much waits as memory has room for, whatever its records are made of."""
    cut = [*chunks(TP("orders", 3), [record(n, b"", **more) for n in range(6)], 10, most=80)]
    assert len(cut) > 1
    assert all(80 <= chunk.size < 200 for chunk in cut)


def test_an_acknowledged_message_marks_its_chunks_in_flight():
    parts = [(transport.Chunk("orders", n, [record(9 + n)]), InFlight(10 + n)) for n in (3, 4)]
    message = ChunkMessage(parts, TP("orders", 0), 1)
    assert (message.acked, message.offset, message.timestamp) == (False, 12, 1.0)
    assert message.tps == {TP("orders", 3), TP("orders", 4)}
    message.acked = True
    assert all(in_flight.acked for _, in_flight in parts)


def test_a_message_is_acknowledged_with_the_last_of_its_chunks():
    parts = [(transport.Chunk("orders", n, [record(9)]), InFlight(10)) for n in range(3)]
    message = ChunkMessage(parts, TP("orders", 0), 1)
    acked = []

    def ack():  # as Faust's: once
        if not message.acked:
            acked.append([in_flight.acked for _, in_flight in parts])
            message.acked = True

    event = Thing(value=parts, ack=ack)
    deliveries = [transport.Delivery(event, *part) for part in parts]
    deliveries[1].ack()
    deliveries[1].ack()
    deliveries[2].ack()
    assert ([in_flight.acked for _, in_flight in parts], acked) == ([False, True, True], [])
    deliveries[0].ack()
    deliveries[0].ack()
    assert acked == [[False, True, True]]
    assert message.acked


async def test_the_settings_are_settings_of_faust():
    conf = app().conf
    assert (conf.broker_session_timeout, conf.broker_heartbeat_interval) == (10.0, 3.0)
    assert (conf.consumer_auto_offset_reset, conf.web_enabled) == ("earliest", False)
    assert (conf.consumer_metadata_max_age_ms, conf.consumer_max_fetch_size) == (10_000, 4194304)


async def test_a_topic_not_made_by_chunk_topic_is_refused():
    made = app()
    transport.chunk_topic(made, "orders")
    with pytest.raises(ImproperlyConfigured, match="payments"):
        await made.consumer.subscribe({"orders", "payments"})


async def test_a_missing_private_name_is_one_clear_sentence(monkeypatch):
    monkeypatch.delattr(driver.Consumer.__mro__[2], "_new_offset")
    with pytest.raises(transport.TransportMismatch, match=r"_new_offset.*>=0\.15\.2,<0\.16"):
        app()


def test_the_installed_libraries_have_every_name():
    compat.check()


async def test_a_wait_ends_even_if_the_work_swallows_cancellation():
    async def stubborn():
        while True:
            try:
                await asyncio.sleep(0.3)
                return
            except asyncio.CancelledError:
                continue

    assert not await ends_within(0.01, stubborn())
    assert await ends_within(5, asyncio.sleep(0))


async def test_work_that_cancels_itself_was_cut_off_and_the_caller_goes_on():
    async def closing():
        raise asyncio.CancelledError

    assert not await ends_within(5, closing())


async def test_a_wait_raises_what_the_work_raises():
    async def broken():
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await ends_within(1, broken())


def test_a_log_line_repeated_is_cut_and_counted():
    now = 0.0
    limit = RateLimit(burst=2, window=10.0, clock=lambda: now)

    def line(level=logging.ERROR):
        made = logging.LogRecord("aiokafka", level, "", 0, "Unable to connect %s", ("x",), None)
        return limit.filter(made), made.getMessage()

    assert [line()[0] for _ in range(5)] == [True, True, False, False, False]
    assert line(logging.CRITICAL)[0]
    now = 11.0
    assert line() == (True, "Unable to connect x [3 more like this left out]")
    assert line() == (True, "Unable to connect x")


class Stream:
    """These events, of an app in its first generation."""

    def __init__(self, events):
        self.flows = True
        flow = Thing(is_active=lambda: self.flows)
        self.app = Thing(flow_control=flow, consumer_generation_id=1)
        self._events = events

    def noack(self):
        return self

    async def events(self):
        for event in self._events:
            yield event
        await asyncio.sleep(60)


@pytest.mark.parametrize("how", ["revoked", "assigned anew"])
async def test_what_is_left_of_a_message_is_dropped_with_its_assignment(how):
    parts = [(transport.Chunk("orders", n, [record(9)]), InFlight(10)) for n in range(3)]
    message = ChunkMessage(parts, TP("orders", 0), 1)
    stream = Stream([Thing(value=parts, message=message)])
    given = transport.deliveries(stream)
    first = await anext(given)
    if how == "revoked":
        stream.flows = False
    else:
        stream.app.consumer_generation_id = 2
    more = asyncio.ensure_future(anext(given))
    await asyncio.sleep(0.01)
    assert not more.done()
    assert [in_flight.dropped for _, in_flight in parts] == [False, True, True]
    assert not message.settled
    first.drop()
    assert message.settled
    assert not any(in_flight.acked for _, in_flight in parts)
    more.cancel()


def test_a_message_is_settled_once_each_chunk_is_acknowledged_or_dropped():
    parts = [(transport.Chunk("orders", n, [record(9)]), InFlight(10)) for n in range(2)]
    message = ChunkMessage(parts, TP("orders", 0), 1)
    event = Thing(value=parts, ack=lambda: pytest.fail("acknowledged"))
    deliveries = [transport.Delivery(event, *part) for part in parts]
    deliveries[0].drop()
    assert not message.settled
    deliveries[1].ack()
    assert (message.settled, message.acked) == (True, False)
    assert [in_flight.acked for _, in_flight in parts] == [False, True]


async def test_cancelling_the_deliveries_acknowledges_nothing():
    events = [
        Thing(
            value=parts,
            ack=lambda: pytest.fail("acknowledged"),
            message=Thing(generation_id=1),
        )
        for parts in ([(0, InFlight(1)), (1, InFlight(1))], [(2, InFlight(1))])
    ]

    seen = []

    async def agent():
        async for delivery in transport.deliveries(Stream(events)):
            seen.append(delivery.chunk)

    task = asyncio.create_task(agent())
    while len(seen) < 3:
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait({task})
    assert seen == [0, 1, 2]
