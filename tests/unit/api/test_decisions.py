"""Orders that only the pipeline can judge, as their shop changes its words: with a hub, and a pipeline in memory."""

import asyncio
import json
import sys
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from api.freshness.tracker import RequiredPosition
from api.push import channels, decisions, replay
from api.push.channel import Channel, Entry
from api.push.decisions import PipelineDecisions
from api.push.encoding import SOCKETIO_SEPARATED, WEBSOCKET_SEPARATED, Encoding
from api.push.fan_out import UNREADABLE
from api.push.hub import Hub
from api.push.records import PushEvent
from api.push.replay import SLICE
from api.push.subscriber import Subscriber, SubscriptionFilter
from shopstream.contracts.cursor import Partition, Position
from shopstream.contracts.topics import ORDERS, SETTINGS

ORDER, SETTING = Partition(ORDERS, 0), Partition(SETTINGS, 0)
AT, NOW = "2026-11-22T10:15:30Z", 1_795_400_000
TYPES = frozenset({"order:created"})


class Outlet:
    """Keeps what was written."""

    def __init__(self) -> None:
        self.written = b""

    def write(self, data: bytes) -> None:
        self.written += data

    def close(self) -> None: ...

    def abort(self) -> None: ...

    def got(self) -> list[str]:
        """Orders, and reasons of resets."""
        said = [json.loads(text) for text in self.written.split(b"\x1e")[:-1]]
        return [
            one["event"]["id"] if "event" in one else one["reason"]
            for one in said
            if "event" in one or "reason" in one
        ]


class Shops:
    """The pipeline is silent until `open`; it accepts the orders of `stands` by their offsets."""

    def __init__(self) -> None:
        self.hub = Hub(lambda: NOW)
        events: Any = self
        self.hub.delivery.decisions = PipelineDecisions(
            self.hub.replay, events, self.included, self.includes
        )
        self.caught_up: list[Subscriber] = []
        self.hub.replay.catch_up = self
        self.open = asyncio.Event()
        self.passed = sys.maxsize
        """The next offset up to which it has stored what it accepted, once it is open."""
        self.stands: set[int] = set()
        self.asked: list[list[int]] = []
        """The next offsets of each statement."""
        self.fault: Exception | None = None
        self.ends = {ORDER: 0, SETTING: 0}
        self.hub.words.maps = {"s": {"old": "paid"}}
        self.hub.words._reached = {SETTING: Position(1, 0)}
        self.hub.begin({place: Position(1, 0) for place in self.ends})

    async def included(self, positions: Iterable[RequiredPosition]) -> None:
        wanted = list(positions)
        await self.open.wait()
        while not self.includes(wanted):
            await asyncio.sleep(0)

    def includes(self, positions: Iterable[RequiredPosition]) -> bool:
        return self.open.is_set() and all(one.next <= self.passed for one in positions)

    async def accepted(
        self, shop: str, places: Iterable[tuple[Partition, Position]]
    ) -> set[tuple[Partition, Position]]:
        self.asked.append([position.next for _, position in places])
        if self.fault is not None:
            raise self.fault
        return {place for place in places if place[1].next in self.stands}

    def start(self, subscriber: Subscriber, *, fresh: bool) -> None:
        self.caught_up.append(subscriber)

    def join(
        self,
        shop: str = "s",
        since: str | None = None,
        encoding: Encoding = WEBSOCKET_SEPARATED,
        outlet: Outlet | None = None,
    ) -> tuple[Subscriber, Outlet]:
        outlet = outlet or Outlet()
        wanted = SubscriptionFilter("u", TYPES)
        subscriber = Subscriber(wanted, encoding, outlet, float("inf"))
        self.hub.join(shop, subscriber, since)
        return subscriber, outlet

    def publish(self, place: Partition, shop: str, event: dict[str, Any]) -> int:
        self.ends[place] += 1
        head = {"specversion": "1.0", "source": "/s", "shopid": shop}
        value = json.dumps({**head, **event}).encode()
        self.hub.publish(shop, place, Position(1, self.ends[place]), NOW, value)
        self.hub.flush()
        return self.ends[place]

    def order(self, name: str, status: str, shop: str = "s") -> int:
        items = [{"productId": "p", "quantity": 1, "unitPrice": 1}]
        data = {"orderId": name, "status": status, "currency": "EUR", "items": items}
        data |= {"createdAt": AT, "updatedAt": AT}
        return self.publish(ORDER, shop, {"id": name, "type": "order:created", "data": data})

    def settings(self, shop: str = "s") -> None:
        self.publish(SETTING, shop, {"id": "w", "type": "shop:updated", "data": {}})


async def settled() -> None:
    for _ in range(50):
        await asyncio.sleep(0)


async def test_a_stream_waits_behind_an_order_until_the_pipeline_has_decided() -> None:
    shops = Shops()
    (_, mine), (_, theirs) = shops.join(), shops.join("t")
    shops.order("a", "old")
    shops.order("b", "new")  # no word, and no settings that could have it
    shops.settings()
    shops.order("c", "paid")
    shops.stands = {shops.order("d", "new"), shops.order("f", "old")}
    shops.order("e", "old")
    shops.order("g", "paid")
    shops.order("t", "paid", "t")
    await settled()
    assert (mine.got(), theirs.got(), shops.asked) == (["a", "c"], ["t"], [])
    (_, new) = shops.join()
    shops.order("h", "paid")
    assert new.got() == ["h"]  # it began behind them
    shops.open.set()
    await settled()
    assert mine.got() == ["a", "c", "d", "f", "g", "h"]
    assert shops.asked == [[4, 5, 6]]
    # from now on this process knows the words of the shop itself
    shops.hub.words.maps = {"s": {"new": "paid"}}
    shops.hub.words._reached = {SETTING: Position(1, 1)}
    shops.order("i", "new")
    shops.order("j", "old")
    assert mine.got()[-1] == "i" and len(shops.asked) == 1


async def test_many_orders_are_decided_in_one_statement_those_not_passed_yet_in_a_later_one() -> (
    None
):
    shops = Shops()
    _, mine = shops.join()
    shops.settings()
    offsets = [shops.order(f"o{number}", "new") for number in range(150)]
    shops.stands, shops.passed = set(offsets), offsets[99]
    shops.open.set()
    await settled()
    assert shops.asked == [offsets[:100]]
    assert mine.got() == [f"o{number}" for number in range(100)]
    shops.passed = offsets[-1]
    await settled()
    assert shops.asked[1:] == [offsets[100:]]
    assert mine.got() == [f"o{number}" for number in range(150)]


async def test_in_one_turn_so_many_streams_are_replayed_to_and_share_what_is_encoded() -> None:
    """A client that stops reading, and one that leaves, in between."""
    shops, texts, writes = Shops(), list[str](), [0]

    def text(event: PushEvent, cursor: str) -> bytes:
        texts.append(cursor)
        return WEBSOCKET_SEPARATED.text(event, cursor)

    class CountingOutlet(Outlet):
        def write(self, data: bytes) -> None:
            writes[-1] += 1
            super().write(data)

    async def count_turns() -> None:
        while True:
            writes.append(0)
            await asyncio.sleep(0)

    encoding = replace(WEBSOCKET_SEPARATED, text=text)
    streams = [shops.join(encoding=encoding, outlet=CountingOutlet()) for _ in range(1000)]
    shops.settings()
    shops.stands = {shops.order(name, "new") for name in "abc"}
    shops.order("d", "paid")
    writes.clear()
    counting = asyncio.create_task(count_turns())
    shops.open.set()
    while not any(writes):
        await asyncio.sleep(0)
    lagging = [one for one, _ in streams if one.seq is not None]
    assert len(lagging) == 1000 - SLICE
    left, paused = lagging[500:502]
    shops.hub.leave(left)
    shops.hub.pause(paused)
    await settled()
    counting.cancel()
    assert (max(writes), sum(writes)) == (SLICE, 998)
    assert len(texts) == 4 * 16, "four events, for each 64 streams"
    shops.hub.on_writable(paused)
    shops.order("e", "paid")
    for one, outlet in streams:
        assert outlet.got() == ([] if one is left else [*"abcde"])


async def test_who_stops_reading_or_comes_back_meanwhile_waits_too() -> None:
    shops = Shops()
    cursor = shops.hub._channels.join("s", NOW).cursor()
    subscriber, slow = shops.join()
    shops.hub.pause(subscriber)
    shops.settings()
    shops.stands = {shops.order("a", "new")}
    shops.order("b", "paid")
    _, back = shops.join("s", cursor)
    shops.hub.on_writable(subscriber)
    assert slow.got() == back.got() == []
    shops.open.set()
    await settled()
    assert slow.got() == back.got() == ["a", "b"]


async def test_where_nobody_knows_the_streams_are_told(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(decisions, "CATCH_UP_TIMEOUT_SECONDS", 0.01)
    shops = Shops()
    _, mine = shops.join()
    shops.settings()
    for name in "abc":
        shops.order(name, "new")
    shops.order("d", "paid")
    await asyncio.sleep(0.05)
    shops.order("e", "paid")
    assert mine.got() == [UNREADABLE, "d", "e"]
    assert shops.hub.counts.skipped == 3
    assert [line for line in caplog.messages if "3 from shop.orders:0:0 on" in line]


async def test_what_is_evicted_meanwhile_comes_from_what_is_stored(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(channels, "MAX_ENTRIES", 3)
    shops = Shops()
    subscriber, mine = shops.join()
    shops.settings()
    for number in range(9):
        shops.order(f"o{number}", "new")
    (channel,) = shops.hub._channels.live.values()
    assert len(channel.undecided) == 3
    shops.open.set()
    await settled()
    assert set(shops.caught_up) == {subscriber}
    assert (mine.got(), len(channel.undecided)) == ([], 0)


async def test_an_order_that_comes_as_the_last_one_is_decided_does_not_wait_for_ever() -> None:
    shops = Shops()
    shops.open.set()
    _, mine = shops.join()
    shops.settings()
    shops.stands = {shops.order("a", "new"), shops.ends[ORDER] + 1}
    decide = shops.hub.replay.decide

    def and_another_comes(channel: Channel, decided: Mapping[Entry, bool | None]) -> None:
        decide(channel, decided)
        shops.hub.replay.decide = decide  # type: ignore[method-assign]
        # the task of decisions has ended by then, and nobody was told of it
        asyncio.get_running_loop().call_soon(shops.order, "b", "new")

    shops.hub.replay.decide = and_another_comes  # type: ignore[method-assign]
    await settled()
    assert mine.got() == ["a", "b"]


async def test_where_asking_fails_the_streams_are_told_and_go_on() -> None:
    shops = Shops()
    shops.fault = KeyError("found")
    _, mine = shops.join()
    shops.settings()
    shops.order("a", "new")
    shops.order("b", "paid")
    shops.open.set()
    await settled()
    shops.order("c", "paid")
    assert mine.got() == [UNREADABLE, "b", "c"]
    shops.fault = None
    shops.stands = {shops.order("d", "new")}
    await settled()
    assert mine.got()[-1] == "d"


async def test_what_is_parsed_late_and_evicted_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    shops = Shops()
    cursor = shops.hub._channels.join("s", NOW).cursor()
    first, _ = shops.join()
    shops.hub.leave(first)
    shops.settings()
    shops.order("early", "new")
    shops.join()
    shops.order("late", "new")
    shops.join(since=cursor)
    (channel,) = shops.hub._channels.live.values()
    assert [entry.seq for entry in channel.undecided] == [3, 2]
    monkeypatch.setattr(channels, "MAX_ENTRIES", 3)
    for name in "xyz":
        shops.order(name, "paid")
    assert not channel.undecided
    shops.open.set()
    await settled()


async def test_what_is_evicted_in_the_turn_in_which_it_came_holds_up_nobody(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(channels, "MAX_ENTRIES", 2)
    shops = Shops()
    shops.open.set()
    subscriber, _ = shops.join()
    shops.settings()
    for number in range(3):
        shops.order(f"o{number}", "paid" if number else "new")
    await settled()
    assert (shops.caught_up, shops.asked) == ([subscriber], [])


async def test_a_stream_to_which_replaying_fails_is_cut_off_and_holds_up_no_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(replay, "SLICE", 4)
    shops = Shops()
    cut: list[Outlet] = []

    class Broken(Outlet):
        def write(self, data: bytes) -> None:
            if b"order:created" in data:
                raise RuntimeError
            super().write(data)

        def abort(self) -> None:
            cut.append(self)

    broken = [shops.join(encoding=SOCKETIO_SEPARATED, outlet=Broken())[1] for _ in range(3)]
    others = [shops.join()[1] for _ in range(9)]
    shops.settings()
    shops.stands = {shops.order("a", "new")}
    shops.open.set()
    await settled()
    assert [one.got() for one in others] == [["a"]] * 9
    assert set(cut) == set(broken)
