"""Subscribers that are brought on out of what is stored, with a hub and a store in memory."""

import asyncio
import json
import random
from collections.abc import Iterable
from dataclasses import replace

import pytest

from api.freshness.tracker import RequiredPosition
from api.push import catch_up, channels
from api.push.catch_up import CatchUps
from api.push.encoding import WEBSOCKET_SEPARATED, Encoding
from api.push.hub import Hub
from api.push.records import PushEvent
from api.push.stored_events import Span, StoredEvent
from api.push.subscriber import Subscriber, SubscriptionFilter
from shopstream.contracts.cursor import Partition, Position, encode
from shopstream.contracts.topics import ALERTS, INVENTORY

P0, P1, P2 = (Partition(INVENTORY, number) for number in range(3))
A0 = Partition(ALERTS, 0)
KIND, OTHER = "inventory:updated", "stock:low"
NOW = 1_795_400_000
"""Everything is of one shop."""


class Outlet:
    """Keeps what was written."""

    def __init__(self) -> None:
        self.written = b""

    def write(self, data: bytes) -> None:
        self.written += data

    def close(self) -> None: ...

    def abort(self) -> None:
        raise AssertionError("cut off")

    def told(self) -> list[str]:
        """Ids of events, and names of what the stream says of itself."""
        said = [json.loads(text) for text in self.written.split(b"\x1e")[:-1]]
        return [one["event"]["id"] if "event" in one else one["control"] for one in said]


class Store:
    """All that was published is stored at once; a page comes when `open` is set."""

    def __init__(self) -> None:
        self.hub = Hub(lambda: NOW)
        self.open = asyncio.Event()
        self.open.set()
        self.asked = 0
        self.ends = {P0: 0, P1: 0}
        self.events: list[StoredEvent] = []
        self.hub.replay.catch_up = CatchUps(self.hub, self, self.included)  # type: ignore[arg-type]
        self.begin()

    def begin(self, epoch: int = 7) -> None:
        """These are the partitions."""
        self.epoch = epoch
        self.hub.begin({partition: Position(epoch, end) for partition, end in self.ends.items()})

    def publish(self, name: str, kind: str = KIND, partition: Partition = P0) -> None:
        self.ends[partition] += 1
        position = Position(self.epoch, self.ends[partition])
        data = {"productId": name, "quantity": 1, "updatedAt": "2026-11-22T10:15:30Z"}
        event = {"specversion": "1.0", "id": name, "source": "/s", "type": kind, "shopid": "s1"}
        value = json.dumps({**event, "data": data}).encode()
        self.hub.publish("s1", partition, position, NOW, value)
        self.hub.read.passed(partition, position)
        self.hub.flush()
        self.events.append(
            StoredEvent(PushEvent("s1", kind, None, value), partition, position, NOW * 1000)
        )

    async def included(self, positions: Iterable[RequiredPosition]) -> None:
        return None

    async def page(
        self, shop: str, span: Span, wanted: SubscriptionFilter, limit: int
    ) -> list[StoredEvent]:
        if not span.until:
            return []
        self.asked += 1
        await self.open.wait()
        return [
            one
            for one in self.events
            if one.event.type in wanted.types
            and one.partition in span.until
            and one.position.epoch == span.until[one.partition].epoch
            and span.since[one.partition].next < one.position.next <= span.until[one.partition].next
        ][:limit]

    def subscriber(
        self, since: str | None = None, encoding: Encoding = WEBSOCKET_SEPARATED
    ) -> tuple[Subscriber, Outlet]:
        outlet = Outlet()
        wanted = SubscriptionFilter("u1", frozenset({KIND}))
        subscriber = Subscriber(wanted, encoding, outlet, float("inf"))
        self.hub.join("s1", subscriber, since)
        return subscriber, outlet

    async def settled(self, subscriber: Subscriber) -> None:
        async with asyncio.timeout(5):
            while subscriber.catching_up is not None:
                await asyncio.sleep(0)


@pytest.fixture
async def store(monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.setattr(channels, "MAX_ENTRIES", 3)
    monkeypatch.setattr(catch_up, "FIRST_PAGE", 2)
    monkeypatch.setattr(catch_up, "next_limit", lambda page, limit: limit)
    return Store()


def start(store: Store) -> str:
    return encode({partition: Position(7, end) for partition, end in store.ends.items()}, NOW)


async def test_what_the_channel_forgot_comes_from_what_is_stored(store: Store) -> None:
    since = start(store)
    for number in range(9):
        store.publish(f"e{number}")
    subscriber, outlet = store.subscriber(since)
    await store.settled(subscriber)
    store.publish("live")
    assert outlet.told() == ["stream:ready", *(f"e{number}" for number in range(9)), "live"]


async def test_a_stored_event_that_cannot_be_encoded_is_told_and_counted(store: Store) -> None:
    since = start(store)
    for number in range(9):
        store.publish(f"e{number}")

    def text(event: PushEvent, cursor: str) -> bytes:
        if b'"e3"' in event.value:
            raise RecursionError
        return WEBSOCKET_SEPARATED.text(event, cursor)

    subscriber, outlet = store.subscriber(since, replace(WEBSOCKET_SEPARATED, text=text))
    await store.settled(subscriber)
    store.publish("live")
    assert outlet.told() == ["stream:ready", "e0", "e1", "stream:reset", "live"]
    assert store.hub.counts.skipped == 1


async def test_a_slow_client_gets_everything_where_a_partition_is_added_meanwhile(
    store: Store,
) -> None:
    subscriber, outlet = store.subscriber()
    store.hub.pause(subscriber)
    store.publish("e0")
    store.ends[P2] = 0
    store.begin()
    for number in range(1, 8):
        store.publish(f"e{number}", partition=P2 if number == 1 else P0)
    store.hub.on_writable(subscriber)
    await store.settled(subscriber)
    assert sorted(outlet.told()) == [*(f"e{number}" for number in range(8)), "stream:ready"]


async def test_a_partition_that_is_added_while_a_page_is_read_ends_nothing(store: Store) -> None:
    since = start(store)
    for number in range(9):
        store.publish(f"e{number}")
    store.open.clear()
    subscriber, outlet = store.subscriber(since)
    await asyncio.sleep(0.01)
    store.ends[P2] = 0
    store.begin()
    store.open.set()
    await store.settled(subscriber)
    assert outlet.told() == ["stream:ready", *(f"e{number}" for number in range(9))]


async def test_a_topic_that_is_made_again_while_a_page_is_read_is_told(store: Store) -> None:
    since = start(store)
    for number in range(9):
        store.publish(f"e{number}")
    store.open.clear()
    subscriber, outlet = store.subscriber(since)
    await asyncio.sleep(0.01)
    store.ends = {P0: 0, P1: 0}
    store.begin(8)
    store.publish("new")
    store.open.set()
    await store.settled(subscriber)
    store.publish("live")
    assert outlet.told() == ["stream:ready", "e0", "e1", "stream:reset", "live"]


async def test_a_topic_that_is_gone_holds_up_nobody(store: Store) -> None:
    since = encode({P0: Position(7, 0)}, NOW)
    store.publish("of the topic that goes", partition=P1)
    del store.ends[P1]
    store.begin()
    for number in range(9):
        store.publish(f"e{number}")
    subscriber, outlet = store.subscriber(since)
    await store.settled(subscriber)
    assert outlet.told() == ["stream:ready", *(f"e{number}" for number in range(9))]


async def test_other_types_count_from_the_moment_they_are_asked_for(store: Store) -> None:
    store.ends[A0] = 0
    store.begin()
    since = start(store)
    for number in range(10):
        store.publish(f"e{number}", *((OTHER, A0) if number % 2 else (KIND, P0)))
    store.open.clear()
    subscriber, outlet = store.subscriber(since)
    await asyncio.sleep(0.01)
    store.hub.choose(subscriber, frozenset({OTHER}))
    store.open.set()
    await store.settled(subscriber)
    assert outlet.told() == ["stream:ready", "e1", "e3", "e5", "e7", "e9"]


@pytest.mark.parametrize("seed", range(20))
async def test_nothing_is_lost_or_repeated_while_partitions_are_added(
    store: Store, seed: int
) -> None:
    """Clients stall, read again, drop and come back with their last cursor, in memory and in what is stored."""
    dice = random.Random(seed)
    told: list[list[str]] = [[] for _ in range(3)]
    since = [start(store)] * 3
    open_ones = [store.subscriber(since[n]) for n in range(3)]
    published = 0

    def take(n: int) -> None:
        outlet = open_ones[n][1]
        for text in outlet.written.split(b"\x1e")[:-1]:
            said = json.loads(text)
            since[n] = said["cursor"]
            told[n].append(said["event"]["id"] if "event" in said else said["control"])
        outlet.written = b""

    for _ in range(300):
        n, action = dice.randrange(3), dice.random()
        subscriber, _outlet = open_ones[n]
        if action < 0.45:
            store.publish(f"e{published}", partition=dice.choice(list(store.ends)))
            published += 1
        elif action < 0.48:
            store.ends[Partition(INVENTORY, len(store.ends))] = 0
            store.begin()
        elif action < 0.6:
            store.hub.pause(subscriber)
        elif action < 0.75:
            store.hub.on_writable(subscriber)
        elif action < 0.8:
            take(n)
            store.hub.leave(subscriber)
            open_ones[n] = store.subscriber(since[n])
        elif action < 0.85:
            (store.open.clear if store.open.is_set() else store.open.set)()
        else:
            await asyncio.sleep(0)
    store.open.set()
    for n, (subscriber, _outlet) in enumerate(open_ones):
        store.hub.on_writable(subscriber)
        await store.settled(subscriber)
        take(n)
        came = [name for name in told[n] if name != "stream:ready"]
        assert sorted(came) == sorted(f"e{number}" for number in range(published))
        for partition in store.ends:
            mine = [one.event for one in store.events if one.partition == partition]
            order = [json.loads(event.value)["id"] for event in mine]
            assert [name for name in came if name in order] == order
