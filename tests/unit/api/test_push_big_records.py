"""A record that takes long to check is checked beside the event loop, and keeps its place."""

import asyncio
import json
import threading
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import TopicPartition

from api.freshness.tracker import FreshnessTracker
from api.push import channel, dispatcher
from api.push.hub import Hub
from api.push.records import BIG_BYTES, BIG_SIGNS, Worded, is_big, read_record
from api.push.status_words import StatusWords
from api.push.topic_reader import TopicReader
from shopstream.contracts.cursor import Partition, Position
from shopstream.contracts.json_text import MAX_SIGNS
from shopstream.contracts.order import NO_WORDS
from shopstream.contracts.topics import INVENTORY, ORDERS

PLACE = Partition(INVENTORY, 0)
NUMBERS = "[" + "0," * (MAX_SIGNS - 100) + "0]"
TOO_MANY = "[" + "0," * 255_000 + "0]"


def level(number: int, extra: str = '""') -> bytes:
    head = {"specversion": "1.0", "id": f"e{number}", "source": "/s", "type": "inventory:updated"}
    data = {"productId": "p", "quantity": number, "updatedAt": "2026-11-22T10:15:30Z"}
    text = json.dumps({**head, "shopid": "s1", "data": data})
    return f'{text[:-1]}, "extra": {extra}}}'.encode()


def taking(hub: Hub) -> TopicReader:
    there = TopicReader({}, hub, FreshnessTracker(), lambda: 0.0)
    there._dispatcher.positions[PLACE] = Position(1, 0)
    hub.begin(there._dispatcher.positions)
    return there


async def take(there: TopicReader, *values: bytes) -> None:
    records: Any = [
        SimpleNamespace(offset=n, timestamp=0, value=value, headers=())
        for n, value in enumerate(values)
    ]
    await there._dispatcher.dispatch({TopicPartition(*PLACE): records})


@pytest.fixture
def readers(monkeypatch: pytest.MonkeyPatch) -> dict[int, bool]:
    """By the quantity of the level: whether its record was checked on the event loop."""
    found: dict[int, bool] = {}

    def reading(value: bytes | None, topic: str, arrived: int | None, maps: Any = NO_WORDS) -> Any:
        event = read_record(value, topic, arrived, maps)
        if event is not None:
            quantity = json.loads(event.value)["data"]["quantity"]
            found[quantity] = threading.current_thread() is threading.main_thread()
        return event

    monkeypatch.setattr(dispatcher, "read_record", reading)
    monkeypatch.setattr(channel, "read_record", reading)
    return found


async def test_big_records_are_checked_in_another_thread_and_all_keep_their_order(
    readers: dict[int, bool],
) -> None:
    hub = Hub(lambda: 0.0)
    there = taking(hub)
    await take(there, level(0), level(1, NUMBERS), level(2), level(3, '"' + "x" * BIG_BYTES + '"'))
    stream = hub._channels._idle["s1"]
    found = stream.after(0) or []
    while found and found[-1].seq < stream.seq:
        found += stream.after(found[-1].seq) or []
    quantities = [json.loads(e.event.value)["data"]["quantity"] for e in found if e.event]
    assert quantities == [0, 1, 2, 3]
    assert [entry.position.next for entry in found] == [1, 2, 3, 4]
    assert readers == {0: True, 1: False, 2: True, 3: False}


async def test_the_loop_goes_on_while_a_big_record_is_checked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    going = threading.Event()

    def waiting(value: bytes | None, topic: str, arrived: int | None, maps: Any = NO_WORDS) -> Any:
        assert going.wait(5), "the loop did not go on"
        return read_record(value, topic, arrived, maps)

    monkeypatch.setattr(dispatcher, "read_record", waiting)
    hub = Hub(lambda: 0.0)
    taken = asyncio.create_task(take(taking(hub), level(0, NUMBERS)))
    await asyncio.sleep(0)
    going.set()
    await taken
    assert hub.read.includes({PLACE: Position(1, 1)})


async def test_a_record_that_is_too_complex_is_passed_by_unread(
    monkeypatch: pytest.MonkeyPatch, readers: dict[int, bool]
) -> None:
    monkeypatch.setattr(dispatcher, "parse_envelope", lambda _: pytest.fail("it was parsed"))
    hub = Hub(lambda: 0.0)
    await take(taking(hub), level(0, TOO_MANY))
    assert hub.read.includes({PLACE: Position(1, 1)})
    assert not hub._channels._idle
    assert not readers


async def test_a_big_record_that_breaks_a_rule_is_an_entry_without_an_event() -> None:
    hub = Hub(lambda: 0.0)
    broken = level(0, NUMBERS).replace(b'"updatedAt"', b'"updated"')
    await take(taking(hub), broken)
    (entry,) = hub._channels._idle["s1"].after(0) or ()
    assert entry.event is None


def test_a_big_record_that_comes_again_is_known_read_or_not() -> None:
    value = level(0, NUMBERS)
    checked, other = read_record(value, INVENTORY), read_record(level(1, NUMBERS), INVENTORY)
    there = channel.Channel("s1", {}, 0, StatusWords())
    entry = there.append(PLACE, Position(1, 1), 0, checked)
    assert entry.is_of(checked)
    assert not entry.is_of(other)
    assert there.after(0) == [entry]
    assert entry.event is checked
    assert entry.is_of(checked)
    assert entry.is_of(value)
    assert not entry.is_of(other)


def test_an_order_with_a_word_that_comes_again_is_known_decided_or_not() -> None:
    at = "2026-11-22T10:15:30Z"
    data = {"orderId": "o", "status": "word", "currency": "EUR", "createdAt": at, "updatedAt": at}
    data["items"] = [{"productId": "p", "quantity": 1, "unitPrice": 1}]
    head = {"specversion": "1.0", "id": "e", "source": "/s", "type": "order:created"}
    value = json.dumps({**head, "shopid": "s1", "data": data}, indent=1).encode()
    worded = read_record(value, ORDERS)
    assert isinstance(worded, Worded)
    there = channel.Channel("s1", {}, 0, StatusWords())
    entry = there.append(Partition(ORDERS, 0), Position(1, 1), 0, value)
    assert entry.is_of(value) and entry.is_of(worded)
    assert there.after(0) == [entry] and entry.undecided
    assert entry.is_of(value) and entry.is_of(worded)
    assert not entry.is_of(value.replace(b'"o"', b'"p"'))


def test_what_is_big() -> None:
    assert not is_big(None)
    assert not is_big(b"," * BIG_SIGNS)
    assert is_big(b"," * (BIG_SIGNS + 1))
    assert is_big(b"x" * (BIG_BYTES + 1))
