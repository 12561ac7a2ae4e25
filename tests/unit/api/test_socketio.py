"""Sessions of Socket.IO, with a hub and connections that are given."""

import asyncio
import json
import random
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from starlette.datastructures import QueryParams

from api.push import engine_io
from api.push.buffer import HIGH_WATER
from api.push.encoding import RECORD_SEPARATOR, websocket_frame
from api.push.engine_io import MAX_PACKETS, Handshake
from api.push.event_types import DEFAULT
from api.push.hub import Hub
from api.push.socketio import SocketIo
from api.push.socketio_session import Session
from api.push.subscriber import SubscriptionFilter
from api.push.subscription import Subscription
from api.push.takeover import Owner
from shopstream.contracts.cursor import Partition, Position
from shopstream.contracts.topics import INVENTORY

P0 = Partition(INVENTORY, 0)
NOW = 1_795_400_000
MASKED = 0x80
ANONYMOUS = 3


def masked(packet: bytes) -> bytes:
    """A frame as a client sends it."""
    head, size, payload = packet[:1], packet[1], packet[2:]
    assert size < 126
    return head + bytes((size | MASKED,)) + b"\0\0\0\0" + payload


class Transport:
    """Takes `room` bytes; from then on its client does not read."""

    def __init__(self, room: int = 10**9) -> None:
        self.room = room
        self.written = b""
        self.ended = False
        self.owner: Owner | None = None
        self.transport = self

    def take_over(self, owner: Owner) -> None:
        self.owner = owner

    def switching(self) -> None: ...

    def write(self, data: bytes) -> None:
        full = len(self.written) > self.room
        self.written += data
        if not full and len(self.written) > self.room and self.owner is not None:
            self.owner.pause()

    def is_closing(self) -> bool:
        return self.ended

    def close(self) -> None:
        self.ended = True

    abort = close

    def says(self, packet: bytes) -> None:
        assert self.owner
        self.owner.received(masked(websocket_frame(packet)))


class Scene:
    """A hub, and a server whose clients are granted a stream each once `granted` is set."""

    def __init__(self) -> None:
        self.hub = Hub(lambda: NOW)
        self.hub.begin({P0: Position(7, 0)})
        self.end = 0
        self.granted = asyncio.Event()
        self.granted.set()
        self.open = 0
        self.slots = 0
        self.now = 0.0
        self.server = SocketIo(self.hub, self.grant, self.admit, lambda: self.now, ANONYMOUS)

    def admit(self, _: str) -> Callable[[], None]:
        self.slots += 1

        def release() -> None:
            self.slots -= 1

        return release

    async def grant(self, _: Handshake, auth: Mapping[str, Any]) -> Subscription:
        await self.granted.wait()
        self.open += 1
        gone = False

        def release() -> None:
            nonlocal gone
            self.open -= not gone
            gone = True

        wanted = SubscriptionFilter("u1", DEFAULT)
        end = float("inf")
        return Subscription(self.hub, "s1", wanted, None, end, end, release)

    def publish(self, name: str, pad: int = 0) -> None:
        self.end += 1
        data = {"productId": name, "quantity": 1, "updatedAt": "2026-11-22T10:15:30Z"}
        event = {"specversion": "1.0", "id": name, "source": "/s", "type": "inventory:updated"}
        value = json.dumps({**event, "shopid": "s1", "data": {**data, "pad": "x" * pad}}).encode()
        self.hub.publish("s1", P0, Position(7, self.end), NOW, value)

    async def session(self, *, connected: bool = True) -> Session:
        """One that polls; its first packets are taken."""
        handshake = Handshake(QueryParams({}), None, "address", {})
        sid = json.loads(self.server.polling(handshake)[1:])["sid"]
        session = self.server.find(QueryParams(EIO="4", transport="polling", sid=sid))
        assert session
        if connected:
            self.server.post(session, b"40{}")
            await asyncio.sleep(0.01)
            assert session.buffer
            session.buffer.pop()
        return session

    def upgraded(self, session: Session, room: int = 10**9) -> Transport:
        """A WebSocket for a session, before its client says anything."""
        transport = Transport(room)
        self.server.upgrade(session)(transport)  # type: ignore[arg-type]
        return transport


@pytest.fixture
async def scene() -> Scene:
    return Scene()


def names(data: bytes) -> list[str]:
    """Products, in order."""
    return [part.split(b'"')[0].decode() for part in data.split(b'"productId": "')[1:]]


async def test_an_event_of_the_turn_in_which_a_session_moves_comes_over_the_websocket(
    scene: Scene,
) -> None:
    session = await scene.session()
    scene.publish("a")
    scene.hub.flush()
    transport = scene.upgraded(session)
    scene.publish("b")
    transport.says(b"5")
    scene.publish("c")
    scene.hub.flush()
    assert names(transport.written) == ["a", "b", "c"]


async def test_a_session_that_is_behind_moves_without_filling_the_memory(scene: Scene) -> None:
    session = await scene.session()
    for number in range(200):
        scene.publish(f"p{number}", 5000)
        scene.hub.flush()
    transport = scene.upgraded(session, room=HIGH_WATER)
    transport.says(b"5")
    assert len(transport.written) < 4 * HIGH_WATER
    transport.room = 10**9
    assert transport.owner
    transport.owner.resume()
    scene.publish("live")
    async with asyncio.timeout(5):
        while "live" not in names(transport.written):
            await asyncio.sleep(0)
    assert names(transport.written) == [*(f"p{number}" for number in range(200)), "live"]


async def test_a_session_has_one_websocket_to_move_to_and_it_ends_with_it(scene: Scene) -> None:
    session = await scene.session(connected=False)
    first, second = scene.upgraded(session), scene.upgraded(session)
    assert (first.ended, second.ended) == (True, False)
    session.close()
    assert second.ended
    assert scene.upgraded(session).ended


async def test_a_session_that_moved_keeps_its_websocket(scene: Scene) -> None:
    session = await scene.session()
    moved = scene.upgraded(session)
    moved.says(b"5")
    late = scene.upgraded(session)
    assert (moved.ended, late.ended) == (False, False)
    late.says(b"5")
    assert (moved.ended, late.ended) == (False, True)


async def test_refusals_that_nobody_takes_do_not_fill_the_memory(scene: Scene) -> None:
    session = await scene.session(connected=False)
    for packet in (b"40/nowhere,", b"40[]"):
        body = RECORD_SEPARATOR.join([packet] * MAX_PACKETS)
        for _ in range(20):
            scene.server.post(session, body)
    assert session.buffer
    assert len(session.buffer) < 2 * HIGH_WATER


@pytest.mark.parametrize("seed", range(10))
async def test_whatever_a_client_says_it_has_one_stream_and_none_after_its_end(
    scene: Scene, seed: int
) -> None:
    dice = random.Random(seed)
    session = await scene.session(connected=False)
    for _ in range(200):
        action = dice.choice(("connect", "connect", "disconnect", "grant", "hold", "turn"))
        if action == "grant":
            scene.granted.set()
        elif action == "hold":
            scene.granted.clear()
        elif action == "turn":
            await asyncio.sleep(0)
        else:
            scene.server.post(session, {"connect": b"40{}", "disconnect": b"41"}[action])
        assert len(scene.hub) <= 1
        assert scene.open <= 1
    scene.granted.set()
    session.close()
    await asyncio.sleep(0.01)
    assert (len(scene.hub), scene.open) == (0, 0)
    assert len(scene.server) == 0


async def test_a_session_whose_token_is_being_looked_at_is_not_cut_off(scene: Scene) -> None:
    scene.granted.clear()
    session = await scene.session(connected=False)
    scene.server.post(session, b"40{}")
    await asyncio.sleep(0)
    session.sweep(session.begun + engine_io.CONNECT_SECONDS + 1)
    assert not session.closed
    scene.granted.set()
    await asyncio.sleep(0.01)
    assert len(scene.hub) == 1
    session.close()


async def test_what_comes_behind_the_end_of_a_session_begins_nothing(scene: Scene) -> None:
    scene.granted.clear()
    session = await scene.session(connected=False)
    session.packet(b"1")
    session.packet(b"40{}")
    assert session.closed
    assert "socket.io connect" not in {task.get_name() for task in asyncio.all_tasks()}


async def test_a_session_without_a_token_gives_its_place_back_in_five_seconds(
    scene: Scene,
) -> None:
    session = await scene.session(connected=False)
    assert scene.slots == 1
    session.sweep(session.begun + 5.5)
    assert (session.closed, scene.slots) == (True, 0)


async def test_no_session_is_held_by_one_bad_token_after_another(scene: Scene) -> None:
    scene.granted.clear()
    session = await scene.session(connected=False)
    scene.now = engine_io.CONNECT_SECONDS + 0.1
    scene.server.post(session, b"40{}")
    assert (session.closed, scene.slots, len(scene.server)) == (True, 0, 0)


async def test_sessions_without_a_token_are_bounded_apart_and_keep_nobody_out(
    scene: Scene,
) -> None:
    with_token = [await scene.session() for _ in range(5)]
    without = []
    for _ in range(50):
        without.append(await scene.session(connected=False))
        assert sum(not each.closed for each in without) <= ANONYMOUS
        assert scene.slots <= len(with_token) + ANONYMOUS
    assert [each.closed for each in without] == [True] * 47 + [False] * ANONYMOUS
    newcomer = await scene.session()
    assert not newcomer.closed
    assert len(scene.hub) == 6
    assert not any(each.closed for each in with_token)
    for each in list(scene.server._sessions.values()):
        each.close()
    assert (scene.slots, len(scene.server), len(scene.server._anonymous)) == (0, 0, 0)


async def test_a_silent_session_ends(scene: Scene) -> None:
    session = await scene.session(connected=False)
    session.sweep(engine_io.CONNECT_SECONDS + 1)
    assert session.closed


async def never() -> None:
    await asyncio.Event().wait()


async def test_no_poll_keeps_a_client_from_moving(scene: Scene) -> None:
    """A poll that was on its way when the client asked, and one that it began before it had the answer."""
    session = await scene.session()
    transport = scene.upgraded(session)
    transport.says(b"2probe")
    assert transport.written == websocket_frame(b"3probe")
    for _ in range(3):
        async with asyncio.timeout(2):
            assert await scene.server.poll(session, never()) == b"6"
    transport.says(b"5")
    scene.publish("a")
    scene.hub.flush()
    assert names(transport.written) == ["a"]


async def test_a_session_whose_websocket_is_gone_polls_as_before(scene: Scene) -> None:
    session = await scene.session()
    transport = scene.upgraded(session)
    transport.says(b"2probe")
    assert transport.owner
    transport.owner.lost()
    polling = asyncio.create_task(scene.server.poll(session, never()))
    assert not (await asyncio.wait({polling}, timeout=0.5))[0]
    scene.publish("a")
    scene.hub.flush()
    assert names(await polling) == ["a"]
