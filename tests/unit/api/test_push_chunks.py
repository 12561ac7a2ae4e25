"""Records checked as columns are pushed or refused as when each is checked alone, and as the pipeline reads them."""

import asyncio
import json
import random
import threading
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import TopicPartition
from hypothesis import given
from hypothesis import strategies as st
from record_mutations import fuzz, mangled, record

from api.freshness.tracker import FreshnessTracker
from api.push import channel, dispatcher
from api.push.dispatcher import COLUMN_BYTES
from api.push.encoding import SSE
from api.push.event_types import DEFAULT
from api.push.hub import Hub
from api.push.records import (
    PushEvent,
    by_known_words,
    parse_envelope,
    read_record,
    read_records,
    shop_of,
)
from api.push.subscriber import Subscriber, SubscriptionFilter
from api.push.topic_reader import TopicReader
from pipeline.decode import chunk
from shopstream.contracts.cursor import Partition, Position
from shopstream.contracts.events import read_event
from shopstream.contracts.reject import Refused, Unread
from shopstream.contracts.topics import ALERTS, INPUTS, INVENTORY

PLACE = Partition(INVENTORY, 0)
ARRIVED = 1_795_000_000
"""Some of the times are of before, some of long after it."""


def corpus(dice: random.Random, topic: str) -> list[bytes | None]:
    """Mostly right, with what is refused and what only the exact rules can tell in between."""
    values: list[bytes | None] = []
    for _ in range(dice.choice([1, 2, 5, 12])):
        match dice.randrange(8):
            case 0:
                values.append(mangled(dice, topic))
            case 1:
                values.append(dice.choice([None, b"", b"{}", b"null", Unread("too large", 1)]))
            case 2 | 3:
                values.append(record(dice, topic, hard=dice.randrange(2) == 0))
            case _:
                values.append(record(dice, topic, changes=0))
    return values


@pytest.fixture(autouse=True)
def columns_for_any_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunk, "FEW", 0)


def accepted(value: bytes | None, topic: str) -> tuple[str, str, str | None] | None:
    try:
        event = read_event(value, topic, ARRIVED)
    except Refused:
        return None
    return None if event.backfill else (event.shop_id, event.type, event.user_id)


@fuzz(2)
@given(st.integers(0, 2**64 - 1))
def test_a_chunk_is_checked_as_each_record_alone_and_as_the_pipeline_does(seed: int) -> None:
    dice = random.Random(seed)
    home = dice.choice(INPUTS)
    topic = home if dice.randrange(5) else dice.choice(INPUTS)
    values = corpus(dice, home)
    found = read_records(values, topic, [ARRIVED] * len(values))
    assert found == [read_record(value, topic, ARRIVED) for value in values]
    assert [event and event[:3] for event in map(by_known_words, found)] == [
        accepted(one, topic) for one in values
    ]


@fuzz(2)
@given(st.integers(0, 2**64 - 1))
def test_a_record_that_is_accepted_names_its_shop_to_a_look_at_its_bytes(seed: int) -> None:
    dice = random.Random(seed)
    topic = dice.choice(INPUTS)
    for value in corpus(dice, topic):
        event = by_known_words(read_record(value, topic))
        assert event is None or shop_of(value or b"") == event.shop


def named(**members: Any) -> bytes:
    return json.dumps(members).encode()


@pytest.mark.parametrize(
    ("value", "shop"),
    [
        (named(shopid="s1"), "s1"),
        (b'{"shopid" :\n"s1"}', "s1"),
        (b'{"shopid":"s\\u0031"}', "s1"),
        (b'{"shopid":"s1","shopid":"s2"}', "s2"),
        (b'{"shopid":"s1","sho\\u0070id":"s2"}', "s2"),
        (b'{"sho\\u0070id":"s2"}', "s2"),
        (b'{"data":{"shopid":"s1"},"shopid":"s2"}', "s2"),
        (b'{"note":"x\\"shopid","shopid":"s2"}', "s2"),
        ('{"shopid":"f\u00fcr"}'.encode(), "f\u00fcr"),
        (b'{"shopid":"f\xff"}', None),
        (b'{"shopid":7}', None),
        (b'{"shopid":null}', None),
        (b"{}", None),
        (b'"shopid"', None),
        (b"", None),
    ],
)
def test_the_shop_that_a_record_names(value: bytes, shop: str | None) -> None:
    assert shop_of(value) == shop


def test_most_records_are_not_parsed_to_find_their_shop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.push.records.parse_envelope", lambda _: pytest.fail("it was parsed"))
    text = json.dumps({"shopid": "s1", "data": {"name": "\u0686\u0627\u06cc"}})
    assert "\\u0686" in text
    assert shop_of(text.encode()) == "s1"


def test_events_of_the_system_are_checked_alone() -> None:
    low = {"specversion": "1.0", "id": "e", "source": "/s", "type": "stock:low", "shopid": "s1"}
    value = json.dumps({**low, "data": {}}).encode()
    assert read_records([value, b"{}"], ALERTS, [0, 0]) == [
        PushEvent("s1", "stock:low", None, value),
        None,
    ]


class Outlet:
    def __init__(self) -> None:
        self.text = b""

    def write(self, data: bytes) -> None:
        self.text += data

    def close(self) -> None: ...

    def abort(self) -> None: ...


def level(number: int, shop: str = "s1", **data: Any) -> bytes:
    head = {"specversion": "1.0", "id": f"e{number}", "source": "/s", "type": "inventory:updated"}
    known = {"productId": "p", "quantity": number, "updatedAt": "2026-11-22T10:15:30Z", **data}
    return json.dumps({**head, "shopid": shop, "data": known}).encode()


def listening() -> tuple[TopicReader, Hub, Outlet]:
    hub = Hub(lambda: 0.0)
    there = TopicReader({}, hub, FreshnessTracker(), lambda: 0.0)
    there._dispatcher.positions[PLACE] = Position(1, 0)
    hub.begin(there._dispatcher.positions)
    outlet = Outlet()
    wanted = SubscriptionFilter("u", DEFAULT)
    hub.join("s1", Subscriber(wanted, SSE, outlet, float("inf")), None)
    return there, hub, outlet


async def take(there: TopicReader, values: list[bytes]) -> None:
    records: Any = [
        SimpleNamespace(offset=n, timestamp=0, value=value, headers=())
        for n, value in enumerate(values)
    ]
    await there._dispatcher.dispatch({TopicPartition(*PLACE): records})


def pushed(outlet: Outlet) -> list[int]:
    lines = [line for line in outlet.text.split(b"\n") if line.startswith(b'data: {"specversion')]
    return [json.loads(line[6:])["data"]["quantity"] for line in lines]


async def test_many_events_for_subscribers_are_checked_beside_the_loop_and_keep_their_order(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    threads = []

    def reading(values: Any, topic: str, arrived: Any, maps: Any) -> Any:
        threads.append(threading.current_thread())
        return read_records(values, topic, arrived, maps)

    monkeypatch.setattr(dispatcher, "read_records", reading)
    monkeypatch.setattr(channel, "read_record", lambda value, *_: value and pytest.fail("again"))
    there, hub, outlet = listening()
    values = [level(n, "s1" if n % 3 else "s2") for n in range(1000)]
    values[7] = level(7, quantity="many")
    await take(there, values)
    await asyncio.sleep(0)
    assert pushed(outlet) == [n for n in range(1000) if n % 3 and n != 7]
    assert threads
    assert threading.main_thread() not in threads
    assert hub.read.includes({PLACE: Position(1, 1000)})


async def test_a_few_events_for_subscribers_are_checked_one_by_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(dispatcher, "read_records", lambda *_: pytest.fail("as columns"))
    there, _, outlet = listening()
    values = [level(n) for n in range(COLUMN_BYTES // len(level(100)) - 1)]
    await take(there, values)
    await asyncio.sleep(0)
    assert pushed(outlet) == list(range(len(values)))


async def test_events_of_shops_without_subscribers_are_not_parsed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for module, name in (
        (dispatcher, "parse_envelope"),
        (dispatcher, "read_records"),
        (channel, "read_record"),
    ):
        monkeypatch.setattr(module, name, lambda *_: pytest.fail("it was parsed"))
    there, hub, outlet = listening()
    await take(there, [level(n, "s2") for n in range(600)])
    assert pushed(outlet) == []
    assert len(hub._channels._idle["s2"].entries) == 600


async def test_a_full_channel_still_writes_events_of_one_turn_at_once() -> None:
    there, _, outlet = listening()
    await take(there, [level(n) for n in range(channel.MAX_ENTRIES)])
    await asyncio.sleep(0)
    writes: list[bytes] = []
    outlet.write = writes.append  # type: ignore[method-assign]
    hub = there._hub
    for n in range(20):
        at = channel.MAX_ENTRIES + 1 + n
        hub.publish("s1", PLACE, Position(1, at), 0, level(at))
    await asyncio.sleep(0)
    assert len(writes) == 1
    assert writes[0].count(b"event: inventory:updated") == 20


def test_a_look_for_the_shop_and_a_parse_agree_on_every_mutation() -> None:
    dice = random.Random(11)
    for _ in range(500):
        topic = dice.choice(INPUTS)
        value = mangled(dice, topic) if dice.randrange(2) else record(dice, topic, hard=True)
        envelope = parse_envelope(value)
        shop = envelope.get("shopid") if envelope else None
        if by_known_words(read_record(value, topic)) is not None:
            assert shop_of(value) == shop
