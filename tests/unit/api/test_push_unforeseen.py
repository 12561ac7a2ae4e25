"""A record that raises what nobody has foreseen: it is passed by, said in the log, counted, and told to the streams
that may miss it; everything behind it is pushed."""

import asyncio
import json
import logging
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import TopicPartition

from api.freshness.tracker import FreshnessTracker
from api.push import channel, dispatcher, records, runs
from api.push.dispatcher import GONE
from api.push.encoding import SSE, Encoding
from api.push.event_types import DEFAULT
from api.push.fan_out import UNREADABLE
from api.push.hub import Hub
from api.push.records import PushEvent
from api.push.subscriber import Subscriber, SubscriptionFilter
from api.push.topic_reader import TopicReader
from shopstream.contracts.cursor import Partition, Position
from shopstream.contracts.reject import Reason, Unread
from shopstream.contracts.topics import INVENTORY, NOTICES
from shopstream.record_batches import Damaged

PLACE, NOTICE = Partition(INVENTORY, 2), Partition(NOTICES, 0)
BAD = b"the bad one"


class Outlet:
    def __init__(self) -> None:
        self.text = b""

    def write(self, data: bytes) -> None:
        self.text += data

    def close(self) -> None: ...

    def abort(self) -> None: ...

    def told(self) -> list[Any]:
        """Quantities of events, and reasons of resets."""
        data = [json.loads(line[6:]) for line in self.text.split(b"\n") if line[:5] == b"data:"]
        return [
            one["data"]["quantity"] if "data" in one else one["reason"]
            for one in data
            if "data" in one or "reason" in one
        ]


class Reading:
    """A reader with one stream of each of two shops."""

    def __init__(self) -> None:
        self.hub = Hub(lambda: 0.0)
        self.tracker = FreshnessTracker()
        self.reader = TopicReader({}, self.hub, self.tracker, lambda: 0.0)
        self.reader._dispatcher.positions.update({PLACE: Position(1, 0), NOTICE: Position(1, 0)})
        self.hub.begin(self.reader._dispatcher.positions)
        self.first, self.second = self.join("s1"), self.join("s2")

    def join(self, shop: str, since: str | None = None, encoding: Encoding = SSE) -> Outlet:
        outlet = Outlet()
        wanted = SubscriptionFilter("u", DEFAULT)
        self.hub.join(shop, Subscriber(wanted, encoding, outlet, float("inf")), since)
        return outlet

    async def take(self, values: list[Any], place: Partition = PLACE, **more: Any) -> None:
        found: Any = [
            SimpleNamespace(**{"offset": n, "timestamp": 0, "value": value, "headers": (), **more})
            for n, value in enumerate(values)
        ]
        await self.reader._dispatcher.dispatch({TopicPartition(*place): found})
        self.hub.flush()


def level(number: int, shop: str = "s1", **data: Any) -> bytes:
    head = {"specversion": "1.0", "id": f"e{number}", "source": "/s", "type": "inventory:updated"}
    known = {"productId": "p", "quantity": number, "updatedAt": "2026-11-22T10:15:30Z", **data}
    return json.dumps({**head, "shopid": shop, "data": known}).encode()


def failing(read: Callable[..., Any]) -> Callable[..., Any]:
    """`read`, and what nobody has foreseen where the bad text is in what it is given."""

    def failing(value: Any, *others: Any) -> Any:
        if any(BAD in one for one in (value if isinstance(value, list) else [value or b""])):
            raise RecursionError("with a secret")
        return read(value, *others)

    return failing


@pytest.fixture(autouse=True)
def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records.log, "filters", [])


def said(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [one.getMessage() for one in caplog.records if one.levelno >= logging.ERROR]


@pytest.mark.parametrize("padding", [0, 20_000, dispatcher.COLUMN_BYTES])
async def test_the_stream_of_its_shop_is_told_and_all_others_are_pushed(
    padding: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(channel, "read_record", failing(channel.read_record))
    monkeypatch.setattr(dispatcher, "read_record", failing(dispatcher.read_record))
    monkeypatch.setattr(dispatcher, "read_records", failing(dispatcher.read_records))
    there = Reading()
    bad = level(2, note=BAD.decode() + "x" * padding)
    await there.take([level(1), bad, level(3), level(4, "s2")])
    assert there.first.told() == [1, UNREADABLE, 3]
    assert there.second.told() == [4]
    assert there.hub.counts.skipped == 1
    (line,) = said(caplog)
    assert "shop.inventory:2:1 cannot be pushed: RecursionError in failing" in line
    assert "secret" not in line


async def test_a_stream_that_comes_later_is_told_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(channel, "read_record", failing(channel.read_record))
    there = Reading()
    cursor = there.hub._channels.join("s3", 0).cursor()
    there.hub._channels.leave(there.hub._channels.live["s3"])
    await there.take([level(1, "s3"), level(2, "s3", note=BAD.decode())])
    assert there.join("s3", cursor).told() == [1, UNREADABLE]


async def test_a_stream_that_stops_reading_right_then_is_told_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(channel, "read_record", failing(channel.read_record))
    there = Reading()
    (subscriber,) = there.hub._channels.live["s1"].subscribers
    write = there.first.write

    def fill(data: bytes) -> None:
        write(data)
        there.hub.pause(subscriber)

    monkeypatch.setattr(there.first, "write", fill)
    await there.take([level(1), level(2, note=BAD.decode()), level(3)])
    assert there.first.told() == [1, UNREADABLE, 3]
    monkeypatch.setattr(there.first, "write", write)
    there.hub.on_writable(subscriber)
    there.hub.publish("s1", PLACE, Position(1, 4), 0, level(4))
    there.hub.flush()
    assert there.first.told() == [1, UNREADABLE, 3, 4]


async def test_a_stream_whose_replay_has_just_ended_is_told_too() -> None:
    there = Reading()
    (subscriber,) = there.hub._channels.live["s1"].subscribers
    subscriber.catching_up = asyncio.create_task(asyncio.sleep(0))
    there.hub.skip(PLACE, Position(1, 5), GONE)
    assert there.first.told() == []  # what it misses is replayed to it
    await subscriber.catching_up
    there.hub.skip(PLACE, Position(1, 6), GONE)
    assert there.first.told() == [GONE]


@pytest.mark.parametrize("name, headers", [("shop_of", ()), ("event_of", (("x", b"y"),))])
async def test_where_nobody_knows_whose_it_is_every_stream_is_told(
    name: str,
    headers: Any,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(runs, name, failing(getattr(runs, name)))
    there = Reading()
    values = [level(1), level(2, "s2", note=BAD.decode()), level(3), level(4, "s2")]
    await there.take(values, headers=headers)
    assert there.first.told() == [1, UNREADABLE, 3]
    assert there.second.told() == [UNREADABLE, 4]
    assert there.hub.counts.skipped == 1
    assert (
        there.hub.read.positions[PLACE]
        == there.reader._dispatcher.positions[PLACE]
        == Position(1, 4)
    )
    assert len(said(caplog)) == 1


def spoiled(encoding: Encoding) -> Encoding:
    """An encoding that fails at the bad text."""

    def text(event: PushEvent, cursor: str) -> bytes:
        if BAD in event.value:
            raise RecursionError("with a secret")
        return encoding.text(event, cursor)

    return replace(encoding, text=text)


async def test_what_cannot_be_encoded_stops_nothing_else_of_its_turn(
    caplog: pytest.LogCaptureFixture,
) -> None:
    there = Reading()
    cursor = there.hub._channels.live["s1"].cursor()
    sse, theirs = there.join("s1", encoding=spoiled(SSE)), there.join("s2")
    await there.take([level(1), level(2, note=BAD.decode()), level(3), level(4, "s2")])
    assert sse.told() == [1, UNREADABLE, 3]
    assert theirs.told() == [4]
    assert there.hub.counts.skipped == 1
    (line,) = said(caplog)
    assert "shop.inventory:2:1 cannot be pushed: RecursionError in text" in line
    assert "secret" not in line
    # replayed, it is what the stream was told of
    assert there.join("s1", cursor, spoiled(SSE)).told() == [1, UNREADABLE, 3]


async def test_after_a_notice_that_fails_nothing_is_kept_that_it_may_have_changed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(dispatcher, "parse_envelope", failing(dispatcher.parse_envelope))
    there, changes = Reading(), []
    monkeypatch.setattr(there.tracker, "changed", lambda *shop: changes.append(shop))
    await there.take([BAD], NOTICE)
    assert changes == [()]
    assert there.hub.read.positions[NOTICE] == Position(1, 1)


async def test_a_batch_that_is_damaged_is_told_and_one_that_was_never_good_is_not() -> None:
    there = Reading()
    await there.take([Unread("why", 9, first=0, records=5, reason=Reason.NOT_JSON)])
    assert (there.first.told(), there.hub.counts.skipped) == ([], 5)
    await there.take([Damaged("why", 9, first=0, records=7, reason=Reason.NOT_JSON)])
    assert (there.first.told(), there.hub.counts.skipped) == ([GONE], 12)


async def test_notices_that_are_damaged_are_told() -> None:
    there = Reading()
    await there.take([Damaged("why", 9, first=0, records=7, reason=Reason.NOT_JSON)], NOTICE)
    assert (there.first.told(), there.hub.counts.skipped) == ([GONE], 7)
    assert there.hub.read.positions[NOTICE] == Position(1, 1)
