"""The hub alone: who gets what, in which order, with which cursor, and what is said of what is missing."""

import asyncio
import json
import random
from typing import Any

import pytest

from api.push import channel, channels, replay
from api.push.encoding import SOCKETIO_SEPARATED, SSE, WEBSOCKET_SEPARATED, Encoding
from api.push.event_types import DEFAULT
from api.push.hub import Hub
from api.push.records import parse_envelope
from api.push.subscriber import Subscriber, SubscriptionFilter
from shopstream.contracts.cursor import Partition, Position, decode, encode
from shopstream.contracts.topics import INVENTORY, SETTINGS, TRAFFIC

P0, P1 = Partition(INVENTORY, 0), Partition(INVENTORY, 1)
V0 = Partition(TRAFFIC, 0)
AT = "2026-11-22T10:15:30Z"
NOW = 1_795_400_000


class Client:
    """An outlet that keeps what was written; `stalls`: from the next write on it does not read."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self.subscriber: Subscriber | None = None
        self.written = b""
        self.stalls = False
        self.closed = False

    def write(self, data: bytes) -> None:
        assert not self.closed
        self.written += data
        if self.stalls and self.subscriber is not None:
            self.hub.pause(self.subscriber)

    def close(self) -> None:
        self.closed = True

    def abort(self) -> None:
        self.closed = True

    def frames(self) -> list[tuple[str, Any, str | None]]:
        """Event, data and id of what came as server-sent events since the last call."""
        self.hub.flush()
        text, self.written = self.written.decode(), b""
        found = []
        for part in filter(None, text.split("\n\n")):
            fields = dict(line.split(": ", 1) for line in part.split("\n"))
            data = json.loads(fields["data"])
            cursor = fields.get("id")
            if fields["event"].startswith("stream:"):
                assert cursor == data["cursor"]
                cursor = None
            found.append((fields["event"], data, cursor))
        return found

    def products(self) -> list[str]:
        return [data["data"]["productId"] for _, data, cursor in self.frames() if cursor]


class Shelf:
    """A hub with two partitions of levels and one of visits, and what was published there."""

    def __init__(self) -> None:
        self.hub = Hub(lambda: NOW)
        self.ends = {P0: 0, P1: 10, V0: 0}
        self.hub.begin(self.positions())

    def positions(self) -> dict[Partition, Position]:
        return {partition: Position(7, end) for partition, end in self.ends.items()}

    def cursor(self, **ends: int) -> str:
        return encode({**self.positions()}, NOW)

    def publish(self, name: str, shop: str = "s1", partition: Partition = P0, **more: Any) -> str:
        """A level of a product of that name; the cursor of a stream that has seen all so far."""
        data: dict[str, Any] = {"productId": name, "quantity": 1, "updatedAt": AT}
        kind = "inventory:updated"
        if partition == V0:
            kind, data = "storefront:visited", {"sessionId": name, "at": AT}
        event = {"specversion": "1.0", "id": name, "source": "/s", "type": kind, "shopid": shop}
        value = json.dumps({**event, **more, "data": data}).encode()
        self.raw(value, shop, partition)
        return self.cursor()

    def raw(self, value: bytes, shop: str = "s1", partition: Partition = P0) -> None:
        self.ends[partition] += 1
        position = Position(7, self.ends[partition])
        self.hub.publish(shop, partition, position, NOW, value)
        self.hub.read.passed(partition, position)

    def client(
        self,
        since: str | None = None,
        user: str = "u1",
        types: Any = DEFAULT,
        shop: str = "s1",
        encoding: Encoding = SSE,
    ) -> Client:
        client = Client(self.hub)
        wanted = SubscriptionFilter(user, frozenset(types))
        client.subscriber = Subscriber(wanted, encoding, client, float("inf"))
        self.hub.join(shop, client.subscriber, since)
        return client


@pytest.fixture
async def shelf() -> Shelf:
    return Shelf()


async def test_events_reach_their_shop_their_user_and_those_who_want_the_type(shelf: Shelf) -> None:
    plain, other = shelf.client(), shelf.client(user="u2")
    everything = shelf.client(types={*DEFAULT, "storefront:visited"})
    orders = shelf.client(types={"order:created"})
    shelf.publish("a")
    shelf.publish("b", userid="u2")
    shelf.publish("c", shop="s2")
    shelf.publish("v", partition=V0)
    shelf.publish("d")
    assert plain.products() == ["a", "d"]
    assert other.products() == ["a", "b", "d"]
    assert [kind for kind, _, _ in everything.frames()[1:]] == [
        "inventory:updated",
        "storefront:visited",
        "inventory:updated",
    ]
    assert orders.products() == []


async def test_the_first_frame_tells_where_the_stream_begins(shelf: Shelf) -> None:
    cursor = shelf.publish("a")
    (ready,) = shelf.client().frames()
    assert ready[:2] == ("stream:ready", {"complete": True, "cursor": cursor})
    (again,) = shelf.client(since=cursor).frames()
    assert again[1]["complete"] is True


async def test_an_event_carries_the_cursor_right_after_it(shelf: Shelf) -> None:
    client = shelf.client()
    cursors = [
        shelf.publish(name, partition=partition)
        for name, partition in (("a", P0), ("b", P1), ("c", P0))
    ]
    assert [cursor for _, _, cursor in client.frames()[1:]] == cursors


async def test_all_protocols_tell_the_same_with_the_same_cursor(shelf: Shelf) -> None:
    sse, ws, sio = (
        shelf.client(encoding=encoding)
        for encoding in (SSE, WEBSOCKET_SEPARATED, SOCKETIO_SEPARATED)
    )
    cursor = shelf.publish("a", time=AT)
    (_, data, told) = sse.frames()[1]
    message = json.loads(ws.written.split(b"\x1e")[1])
    packet = sio.written.split(b"\x1e")[1]
    assert told == cursor
    assert message == {"cursor": cursor, "event": data}
    assert packet.startswith(b"42")
    meta = {"id": "a", "time": AT, "cursor": cursor}
    assert json.loads(packet[2:]) == ["inventory:updated", data["data"], meta]


async def test_what_came_since_a_cursor_is_replayed_before_what_is_live(shelf: Shelf) -> None:
    first = shelf.publish("a")
    shelf.publish("b")
    cursor = shelf.publish("c", partition=P1)
    client = shelf.client(since=first)
    shelf.publish("d")
    frames = client.frames()
    assert frames[0][1] == {"complete": True, "cursor": first}
    assert [data["data"]["productId"] for _, data, _ in frames[1:]] == ["b", "c", "d"]
    assert frames[2][2] == cursor


async def test_a_stream_of_another_process_that_saw_the_partitions_in_another_order(
    shelf: Shelf,
) -> None:
    start = decode(shelf.cursor())
    shelf.publish("a", partition=P0)
    shelf.publish("b", partition=P1)
    client = shelf.client(since=encode({**start, P1: Position(7, 11)}, NOW))
    assert client.products() == ["a"]


async def test_events_of_other_shops_do_not_make_a_cursor_old(shelf: Shelf) -> None:
    cursor = shelf.publish("a")
    shelf.publish("b", shop="s2")
    assert len(shelf.client(since=cursor).frames()) == 1


async def test_a_partition_that_was_added_after_a_cursor_is_seen_from_its_beginning(
    shelf: Shelf,
) -> None:
    cursor = shelf.publish("a")
    added = Partition(INVENTORY, 2)
    shelf.ends[added] = 0
    shelf.hub.begin(shelf.positions())
    shelf.publish("b", partition=added)
    client = shelf.client(since=cursor)
    frames = client.frames()
    assert frames[0][1]["complete"] is True
    assert [data["data"]["productId"] for _, data, _ in frames[1:]] == ["b"]


@pytest.mark.parametrize(
    ("since", "reason"),
    [
        (encode({P0: Position(6, 1), P1: Position(7, 10)}, NOW), "a topic was recreated"),
        (encode({Partition(SETTINGS, 0): Position(7, 1)}, NOW), "a topic was recreated"),
        ("nonsense", "the cursor is not one of this API"),
        (encode({P0: Position(7, 0), P1: Position(7, 9)}, NOW), "the events since the cursor"),
        (encode({P0: Position(7, 0), P1: Position(7, 9)}, 1), "the events since the cursor"),
    ],
)
async def test_a_gap_is_told_and_never_passed_over(since: str, reason: str, shelf: Shelf) -> None:
    now = shelf.publish("a")
    (ready, reset) = shelf.client(since=since).frames()
    assert ready[:2] == ("stream:ready", {"complete": False, "cursor": now})
    assert reset[0] == "stream:reset"
    assert reset[1]["cursor"] == now
    assert reset[1]["reason"].startswith(reason)


async def test_a_topic_that_was_made_again_begins_a_new_epoch(shelf: Shelf) -> None:
    client = shelf.client()
    shelf.publish("a")
    shelf.hub.begin({**shelf.positions(), P0: Position(8, 0)})
    data = {"productId": "b", "quantity": 1, "updatedAt": AT}
    event = {"specversion": "1.0", "id": "b", "source": "/s", "type": "inventory:updated"}
    value = json.dumps({**event, "shopid": "s1", "data": data}).encode()
    shelf.hub.publish("s1", P0, Position(8, 1), NOW, value)
    last = client.frames()[-1]
    assert last[1]["id"] == "b"
    assert decode(last[2] or "") == {**shelf.positions(), P0: Position(8, 1)}


async def test_what_was_read_before_a_new_topic_was_seen_is_not_sent_again(shelf: Shelf) -> None:
    client = shelf.client()
    shelf.publish("a")
    shelf.publish("b")
    shelf.hub.flush()
    shelf.hub.begin({**shelf.positions(), P0: Position(8, 0)})
    shelf.ends[P0] = 0
    for name in ("a", "b", "c"):
        data = {"productId": name, "quantity": 1, "updatedAt": AT}
        event = {"specversion": "1.0", "id": name, "source": "/s", "type": "inventory:updated"}
        value = json.dumps({**event, "shopid": "s1", "data": data}).encode()
        shelf.ends[P0] += 1
        shelf.hub.publish("s1", P0, Position(8, shelf.ends[P0]), NOW, value)
    frames = client.frames()
    assert [data["id"] for _, data, cursor in frames if cursor] == ["a", "b", "c"]
    assert decode(frames[-1][2] or "")[P0] == Position(8, 3)


async def test_a_client_that_does_not_read_gets_the_rest_once_it_does(shelf: Shelf) -> None:
    slow, quick = shelf.client(), shelf.client()
    slow.stalls = True
    shelf.publish("a")
    shelf.hub.flush()
    for name in ("b", "c"):
        shelf.publish(name)
        shelf.hub.flush()
    assert slow.products() == ["a"]
    assert quick.products() == ["a", "b", "c"]
    slow.stalls = False
    assert slow.subscriber
    shelf.hub.on_writable(slow.subscriber)
    shelf.publish("d")
    assert slow.products() == ["b", "c", "d"]
    assert shelf.hub.counts.paused == 1
    assert shelf.hub.counts.resets == 0


async def test_a_client_that_is_slower_than_the_channel_forgets_is_told(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(channels, "MAX_ENTRIES", 3)
    slow = shelf.client()
    slow.stalls = True
    for number in range(6):
        cursor = shelf.publish(f"p{number}")
        shelf.hub.flush()
    assert slow.products() == ["p0"]
    slow.stalls = False
    assert slow.subscriber
    shelf.hub.on_writable(slow.subscriber)
    assert [frame[:2] for frame in slow.frames()] == [
        ("stream:reset", {"reason": "too slow", "cursor": cursor})
    ]
    shelf.publish("d")
    assert slow.products() == ["d"]


async def test_one_write_is_bounded_and_a_client_is_paused_in_mid_flush(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(channel, "MAX_WRITE", 1500)
    slow, quick = shelf.client(), shelf.client()
    slow.stalls = True
    for number in range(9):
        shelf.publish(f"p{number}")
    shelf.hub.flush()
    early = slow.products()
    assert 0 < len(early) < 9
    slow.stalls = False
    assert slow.subscriber
    shelf.hub.on_writable(slow.subscriber)
    assert early + slow.products() == quick.products() == [f"p{n}" for n in range(9)]


async def test_other_types_from_now_on(shelf: Shelf) -> None:
    client = shelf.client(types={"order:created"})
    shelf.publish("a")
    assert client.subscriber
    shelf.hub.choose(client.subscriber, frozenset({"inventory:updated"}))
    shelf.publish("b")
    assert client.products() == ["b"]


async def test_a_refused_record_is_never_pushed_nor_replayed(shelf: Shelf) -> None:
    cursor = shelf.publish("a")
    client = shelf.client()
    for value in (b"{", b"", b'{"shopid":"s1"}', b'{"shopid":"s1","type":"inventory:updated"}'):
        shelf.raw(value)
    shelf.publish("b")
    assert client.products() == ["b"]
    assert shelf.client(since=cursor).products() == ["b"]


async def test_what_came_while_nobody_listened_has_the_cursors_that_a_listener_would_have_got(
    shelf: Shelf,
) -> None:
    before = shelf.publish("a")
    cursors = [shelf.publish(f"p{n}", partition=(P0, P1)[n % 2]) for n in range(6)]
    late = shelf.client(since=before)
    assert [cursor for _, _, cursor in late.frames()[1:]] == cursors


async def test_shops_without_subscribers_are_forgotten_and_then_nothing_is_claimed_of_them(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(channels, "IDLE_CHANNELS", 3)
    before = shelf.cursor()
    shelf.publish("a")
    after = shelf.cursor()
    for shop in ("s2", "s3", "s4"):
        shelf.publish("x", shop=shop)
    told = [shelf.client(since=one).frames()[0][1]["complete"] for one in (before, after)]
    assert told == [False, True]


async def test_a_shop_with_subscribers_is_never_forgotten(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(channels, "IDLE_CHANNELS", 1)
    client = shelf.client()
    for shop in ("s2", "s3"):
        shelf.publish("x", shop=shop)
    shelf.publish("a")
    assert client.products() == ["a"]


async def test_memory_is_bounded_over_all_shops(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(channels, "ENTRY_BYTES", 20_000)
    for number in range(400):
        shelf.publish(f"p{number}", shop=f"s{number % 7}")
    kept = [len(channel.entries) for channel in shelf.hub._channels._idle.values()]
    assert 10 < sum(kept) < 60
    assert shelf.hub._channels._bytes <= 20_000


async def test_the_goodbye_has_the_cursor_to_come_back_with(shelf: Shelf) -> None:
    client = shelf.client()
    cursor = shelf.publish("a")
    shelf.hub.close()
    assert client.closed
    frames = client.frames()
    assert [kind for kind, _, _ in frames] == ["stream:ready", "inventory:updated", "stream:bye"]
    assert frames[-1][1] == {"reason": "shutdown", "cursor": cursor}
    late = shelf.client()
    assert late.closed
    assert len(shelf.hub) == 0


async def test_the_goodbye_of_a_client_that_is_behind_has_its_own_place(shelf: Shelf) -> None:
    slow = shelf.client()
    slow.stalls = True
    cursor = shelf.publish("a")
    shelf.hub.flush()
    shelf.publish("b")
    shelf.hub.close()
    assert slow.frames()[-1][1] == {"reason": "shutdown", "cursor": cursor}


async def test_a_goodbye_never_claims_what_was_not_sent(shelf: Shelf) -> None:
    client = shelf.client()
    cursor = shelf.publish("a")
    assert client.subscriber
    shelf.hub.end(client.subscriber, "rotate")  # in the same turn, so before the flush
    told = [(kind, partition or data["cursor"]) for kind, data, partition in client.frames()[1:]]
    assert told == [("inventory:updated", cursor), ("stream:bye", cursor)]


async def test_a_slow_client_is_told_where_a_topic_is_made_again(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(channel, "MAX_WRITE", 500)
    slow = shelf.client()
    assert slow.subscriber
    shelf.hub.pause(slow.subscriber)
    shelf.publish("a")
    shelf.publish("b")
    shelf.hub.begin({**shelf.positions(), P0: Position(8, 0)})
    data = {"productId": "c", "quantity": 1, "updatedAt": AT}
    event = {"specversion": "1.0", "id": "c", "source": "/s", "type": "inventory:updated"}
    value = json.dumps({**event, "shopid": "s1", "data": data}).encode()
    shelf.hub.publish("s1", P0, Position(8, 1), NOW + 60, value)
    shelf.hub.on_writable(slow.subscriber)
    told = [data.get("id", kind) for kind, data, _ in slow.frames()]
    assert told == ["stream:ready", "stream:reset", "c"]


async def test_a_reset_comes_in_one_write_with_the_cursor_it_explains(shelf: Shelf) -> None:
    shelf.publish("a")
    writes: list[bytes] = []

    class Writes(Client):
        def write(self, data: bytes) -> None:
            writes.append(data)

    client = Writes(shelf.hub)
    wanted = SubscriptionFilter("u1", DEFAULT)
    shelf.hub.join("s1", Subscriber(wanted, SSE, client, float("inf")), "nonsense")
    (first,) = writes
    assert b"stream:ready" in first
    assert b"stream:reset" in first


async def test_numbers_that_no_float_holds_are_pushed_over_every_protocol(shelf: Shelf) -> None:
    sse, sio = shelf.client(), shelf.client(encoding=SOCKETIO_SEPARATED)
    value = b'{"specversion":"1.0","id":"a","source":"/s","type":"inventory:updated","shopid":"s1",'
    value += b'"data":{"productId":"p","quantity":1,"updatedAt":"2026-11-22T10:15:30Z","x":1e999}}'
    assert parse_envelope(value) is not None
    shelf.raw(value)
    assert sse.products() == ["p"]
    assert b'"x":1e999}' in sio.written


@pytest.mark.parametrize("what", ["skipped", "added"])
async def test_where_reading_goes_on_elsewhere_no_cursor_goes_back(
    what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(channels, "MAX_ENTRIES", 4)
    shelf = Shelf()
    shelf.client()
    shelf.publish("evicted", partition=P1)
    since = {**shelf.positions(), P0: Position(7, 1)}
    shelf.publish("seen")
    shelf.publish("missed", partition=P1)
    shelf.publish("missed too", partition=P1)
    shelf.publish("another of the skipped partition")
    if what == "skipped":
        shelf.ends[P0] += 1
        shelf.hub.skip(P0, Position(7, shelf.ends[P0]), "gone")
        since[P0] = Position(7, shelf.ends[P0])
        missed = ["missed", "missed too"]
    else:
        added = Partition(INVENTORY, 2)
        shelf.ends[added] = 0
        shelf.hub.begin(shelf.positions())
        missed = ["missed", "missed too", "another of the skipped partition"]
    later = shelf.client(encode(since, NOW))
    shelf.publish("later")
    frames = later.frames()
    assert [data["data"]["productId"] for _, data, _ in frames[1:]] == [*missed, "later"]
    last = since
    for _, data, id_line in frames:
        now = decode(id_line or data["cursor"])
        assert all(now.get(one, position) >= position for one, position in last.items())
        last = now


async def test_a_channel_that_cannot_be_written_stops_no_other(
    shelf: Shelf, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken, other = shelf.client(), shelf.client(shop="s2")

    def fail(_: bytes) -> None:
        raise RuntimeError

    monkeypatch.setattr(broken, "write", fail)
    shelf.publish("a")
    shelf.publish("b", "s2")
    assert other.products() == ["b"]
    assert broken.closed
    assert [one.getMessage() for one in caplog.records] == [
        "writing to the streams of a shop failed"
    ]


@pytest.mark.parametrize("seed", range(40))
async def test_whatever_happens_nothing_is_lost_or_repeated_without_a_word(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Clients join, stall, read again, drop, and come back with their last cursor, in any order."""
    dice = random.Random(seed)
    monkeypatch.setattr(channels, "MAX_ENTRIES", dice.choice((5, 40, 4000)))
    monkeypatch.setattr(channels, "ENTRY_BYTES", dice.choice((4_000, 10**6)))
    monkeypatch.setattr(channel, "MAX_WRITE", dice.choice((600, 5000, 65536)))
    monkeypatch.setattr(replay, "SLICE", dice.choice((1, 64)))
    shelf, log, streams = Shelf(), Log(), []
    for step in range(600):
        action = dice.random()
        if action < 0.6:
            user = dice.choice((None, None, "u1", "u2"))
            shop, partition = dice.choice(("s1", "s1", "s2")), dice.choice((P0, P1))
            shelf.publish(f"p{step}", shop, partition, **({} if user is None else {"userid": user}))
            if shop == "s1":
                log.append((partition, shelf.ends[partition], f"p{step}", user))
        elif action < 0.65 and len(streams) < 8:
            streams.append(Stream(shelf, log, dice.choice(("u1", "u2"))))
        elif action < 0.7:
            await asyncio.sleep(0)
        elif streams:
            dice.choice(streams).live(dice)
    for stream in streams:
        await stream.finish()
    assert sum(stream.read_events for stream in streams) > 300


Log = list[tuple[Partition, int, str, str | None]]
"""What the shop published: partition, offset after it, name, user."""


class Stream:
    """A client that comes back with the cursor that it has, and checks each frame against the log."""

    def __init__(self, shelf: Shelf, log: Log, user: str) -> None:
        self._shelf, self._log, self._user = shelf, log, user
        self._cursor: str | None = None
        self._seen: dict[Partition, Position] = {}
        self._client: Client | None = None
        self.read_events = 0

    def live(self, dice: random.Random) -> None:
        action = dice.random()
        if self._client is None:
            self._client = self._shelf.client(since=self._cursor, user=self._user)
        elif action < 0.3:
            self._client.stalls = True
        elif action < 0.6:
            self._read_again()
        elif action < 0.8:
            self._read()
            assert self._client.subscriber
            self._shelf.hub.leave(self._client.subscriber)
            self._client = None
        else:
            self._read()

    async def finish(self) -> None:
        """Everything for it has come."""
        if self._client is None:
            self._client = self._shelf.client(since=self._cursor, user=self._user)
        self._read_again()
        assert self._client.subscriber
        async with asyncio.timeout(5):
            while self._client.subscriber.seq is not None:
                await asyncio.sleep(0)
        self._read()
        assert [
            name for partition, end, name, _ in self._mine() if end > self._seen[partition].next
        ] == []

    def _read_again(self) -> None:
        assert self._client and self._client.subscriber
        self._client.stalls = False
        self._shelf.hub.on_writable(self._client.subscriber)

    def _read(self) -> None:
        assert self._client
        for kind, data, cursor in self._client.frames():
            if kind == "stream:ready" and data["complete"] and self._cursor:
                assert decode(data["cursor"]) == self._seen
            if cursor is None:
                self._cursor, self._seen = data["cursor"], decode(data["cursor"])
            else:
                self._event(data["id"], cursor)

    def _event(self, name: str, cursor: str) -> None:
        ((partition, end),) = (
            (partition, end) for partition, end, known, _ in self._log if known == name
        )
        before = self._seen[partition].next
        between = [e for p, e, _, _ in self._mine() if p == partition and before < e <= end]
        assert between == [end]
        self._cursor, self._seen = cursor, decode(cursor)
        assert self._seen[partition].next == end
        self.read_events += 1

    def _mine(self) -> Log:
        return [one for one in self._log if one[3] in (None, self._user)]
