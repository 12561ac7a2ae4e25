"""Socket.IO v4 at `/socket.io`: protocol revision 5 over Engine.IO revision 4, by WebSocket and by polling.

https://socket.io/docs/v4/socket-io-protocol/ and https://socket.io/docs/v4/engine-io-protocol/. A session outlives its
carrier: it may begin by polling and go on over a WebSocket. Its events come from the hub as those of any subscriber.
"""

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import orjson
from starlette.datastructures import QueryParams
from starlette.websockets import WebSocket, WebSocketDisconnect

from api.problems import describe
from api.push.buffer import Buffer
from api.push.encoding import (
    RECORD_SEPARATOR,
    SOCKETIO,
    SOCKETIO_SEPARATED,
    websocket_frame,
)
from api.push.hub import Hub
from api.push.subscriber import Outlet, Subscriber
from api.push.subscription import POLL_SECONDS, Subscription
from api.push.takeover import Connection
from api.push.websocket import (
    CLOSE,
    GOING_AWAY,
    MAX_MESSAGE,
    NORMAL,
    PING,
    PONG,
    TEXT,
    Broken,
    Reader,
    close,
    close_payload,
)
from api.push.ws_stream import receive_texts, send_texts

log = logging.getLogger(__name__)

PATHS = ("/socket.io/", "/socket.io")
VERSION = "4"
"""Revision of Engine.IO."""
PING_INTERVAL, PING_TIMEOUT = 25.0, 20.0
"""Seconds: the defaults of socket.io, which its clients expect."""
CONNECT_SECONDS = 5.0
"""A session must authenticate in this time: until then it has a slot among the streams without a token."""
UPGRADE_SECONDS = 20.0
"""A WebSocket that a session may move to must be moved to in this time."""
MAX_PAYLOAD = MAX_MESSAGE
MAX_PACKETS = 1_000
"""Packets in one POST."""

UNKNOWN_TRANSPORT, UNKNOWN_SID, BAD_REQUEST, BAD_VERSION = 0, 1, 3, 5
"""Codes of Engine.IO's errors."""
_MESSAGES = {
    UNKNOWN_TRANSPORT: "Transport unknown",
    UNKNOWN_SID: "Session ID unknown",
    BAD_REQUEST: "Bad request",
    BAD_VERSION: "Unsupported protocol version",
}
_OPEN, _CLOSE, _PING, _PONG, _MESSAGE, _UPGRADE, _NOOP = b"0", b"1", b"2", b"3", b"4", b"5", b"6"
_CONNECT, _DISCONNECT = b"0", b"1"


class BadHandshake(Exception):
    """A request that Engine.IO refuses; `code` is that of its errors."""

    def __init__(self, code: int) -> None:
        super().__init__(_MESSAGES[code])
        self.code = code

    def body(self) -> bytes:
        """As its clients read it."""
        return orjson.dumps({"code": self.code, "message": _MESSAGES[self.code]})


@dataclass(frozen=True, slots=True)
class Handshake:
    """The first request of a session, as far as it says who comes."""

    query: QueryParams
    authorization: str | None
    address: str
    cookies: Mapping[str, str]


Grant = Callable[[Handshake, Mapping[str, Any]], Awaitable[Subscription]]
"""From a handshake and the `auth` of the client to what it may have; raises what `problems.describe` knows."""


class Session:
    """One client. `release` frees its slot among the open connections."""

    def __init__(
        self, server: "SocketIo", handshake: Handshake, outlet: Outlet, release: Callable[[], None]
    ) -> None:
        self.sid = secrets.token_urlsafe(15)
        self.outlet: Outlet = outlet
        self.begun = self.heard = self.pinged = server.clock()
        self.closed = False
        self.subscriber: Subscriber | None = None
        self.polled = False
        """While a poll of it waits."""
        self.heard_poll = self.begun
        self.probe: asyncio.Transport | None = None
        """A WebSocket that it may move to."""
        self._server = server
        self._handshake = handshake
        self._release = release
        self._subscription: Subscription | None = None
        self._connecting: asyncio.Task[None] | None = None

    @property
    def buffer(self) -> Buffer | None:
        """Where its packets wait while it has no WebSocket of its own."""
        return self.outlet if isinstance(self.outlet, Buffer) else None

    def open(self, *, upgrades: bool) -> bytes:
        """The open packet."""
        about = {
            "sid": self.sid,
            "upgrades": ["websocket"] if upgrades else [],
            "pingInterval": int(PING_INTERVAL * 1000),
            "pingTimeout": int(PING_TIMEOUT * 1000),
            "maxPayload": MAX_PAYLOAD,
        }
        return _OPEN + orjson.dumps(about)

    def send(self, packet: bytes) -> None:
        """A packet of Engine.IO."""
        if self.buffer is not None:
            self.outlet.write(packet + RECORD_SEPARATOR)
        else:
            self.outlet.write(websocket_frame(packet))

    def packet(self, packet: bytes) -> None:
        """Handles a packet of the client."""
        self.heard = self._server.clock()
        kind = packet[:1]
        if kind == _CLOSE:
            self.close()
        elif kind == _MESSAGE:
            self._message(packet[1:])

    def promote(self, transport: asyncio.Transport) -> None:
        """From polling to a WebSocket; what waits goes first."""
        buffer, self.outlet, self.probe = self.buffer, transport, None
        frames = b""
        if buffer is not None:
            buffer.unbind()
            while waiting := buffer.pop():
                frames += b"".join(map(websocket_frame, waiting.split(RECORD_SEPARATOR)[:-1]))
            buffer.close()
        if self.subscriber is not None:
            self._server.hub.switch_connection(self.subscriber, SOCKETIO, transport, frames)
        else:
            transport.write(frames)

    def pause(self) -> None:
        """The write buffer is full: pauses the subscriber."""
        if self.subscriber is not None:
            self._server.hub.pause(self.subscriber)

    def resume(self) -> None:
        """The write buffer has drained: the subscriber goes on."""
        if self.subscriber is not None:
            self._server.hub.on_writable(self.subscriber)

    def close(self) -> None:
        """Ends the session; what was written still goes out."""
        if self.closed:
            return
        self.closed = True
        if self.subscriber is None or not self.subscriber.ended:
            self._leave()
            self.send(_CLOSE)
            if self.buffer is None:
                self.outlet.write(websocket_frame(close_payload(NORMAL), CLOSE))
            self.outlet.close()
        self._over()

    def lost(self) -> None:
        """Ends the session because its connection is closed; drops what waits."""
        if not self.closed:
            self.closed = True
            self.outlet.abort()
            self._over()

    def expect(self, transport: asyncio.Transport) -> None:
        """A WebSocket that it may move to; there is one at most, and it does not outlive the session."""
        if self.probe is not None:
            self.probe.abort()
        self.probe = transport
        if self.closed:
            transport.abort()

    def sweep(self, now: float) -> None:
        """Once a second: pings, and ends the session if it is silent or did not authenticate in time."""
        if self.subscriber is not None and self.subscriber.ended:
            self.close()
        elif self._silent(now):
            self.lost()
        elif self._anonymous and now - self.begun > CONNECT_SECONDS:
            self.close()
        elif now - self.pinged >= PING_INTERVAL:
            self.pinged = now
            self.send(_PING)

    @property
    def _anonymous(self) -> bool:
        """Whether it has not authenticated, and no token of it is being checked."""
        return self._subscription is None and self._connecting is None

    def _silent(self, now: float) -> bool:
        if self.buffer is not None and not self.polled and now - self.heard_poll > PING_TIMEOUT:
            return True
        return now - self.heard > PING_INTERVAL + PING_TIMEOUT

    def _message(self, packet: bytes) -> None:
        kind, rest = packet[:1], packet[1:]
        namespace = b""
        if rest.startswith(b"/"):
            namespace, _, rest = rest.partition(b",")
        if namespace not in (b"", b"/"):
            if kind == _CONNECT:
                self._refuse({"message": "Invalid namespace"}, namespace[:128] + b",")
        elif kind == _CONNECT:
            self._connect(rest)
        elif kind == _DISCONNECT:
            self._leave()

    def _connect(self, rest: bytes) -> None:
        if self._connecting is not None or self._subscription is not None:
            return
        try:
            auth = orjson.loads(rest) if rest else {}
        except orjson.JSONDecodeError:
            auth = None
        if not isinstance(auth, dict):
            self._refuse({"message": "The auth of a connection must be an object."})
            return
        self._connecting = asyncio.create_task(self._join(auth), name="socket.io connect")

    async def _join(self, auth: Mapping[str, Any]) -> None:
        try:
            subscription = await self._server.grant(self._handshake, auth)
        except Exception as fault:
            self._connecting = None
            problem = describe(fault)
            if problem.status == 500:
                log.error("a connection of Socket.IO failed", exc_info=fault)
            more = {"status": problem.status, "title": problem.title, **(problem.more or {})}
            self._refuse({"message": problem.detail, "data": more})
            return
        self._connecting = None
        if self.closed:
            subscription.release()
            return
        self._subscription = subscription
        encoding = SOCKETIO if self.buffer is None else SOCKETIO_SEPARATED
        subscriber = self.subscriber = subscription.open(encoding, self.outlet, self._farewell)
        if self.buffer is not None:
            self.buffer.bind(self._server.hub, subscriber)
            if self.buffer.full:
                subscriber.paused = self._server.clock()
        self.send(b"40" + orjson.dumps({"sid": secrets.token_urlsafe(15)}))
        subscription.join(subscriber)

    def _refuse(self, reason: Mapping[str, Any], namespace: bytes = b"") -> None:
        # one that does not poll is not answered either
        if self.buffer is None or not self.buffer.full:
            self.send(b"44" + namespace + orjson.dumps(reason))

    def _farewell(self, reason: str) -> bytes:
        """Closing Engine.IO, not Socket.IO: from the former a client comes back by itself."""
        if self.buffer is not None:
            return _CLOSE + RECORD_SEPARATOR
        return websocket_frame(_CLOSE) + websocket_frame(close_payload(GOING_AWAY), CLOSE)

    def _over(self) -> None:
        self._leave()
        if self.probe is not None:
            self.probe.abort()
        self._server.forget(self)
        self._release()

    def _leave(self) -> None:
        if self._connecting is not None:
            self._connecting.cancel()
            self._connecting = None
        if self.subscriber is not None and self._subscription is not None:
            self._subscription.leave(self.subscriber)
        self.subscriber = self._subscription = None


class SocketIo:
    """The sessions of a process. `admit` takes a slot for a connection from an address, or raises `Busy` or
    `TooManyStreams`; what it returns frees the slot."""

    def __init__(
        self,
        hub: Hub,
        grant: Grant,
        admit: Callable[[str], Callable[[], None]],
        clock: Callable[[], float],
    ) -> None:
        self.hub = hub
        self.grant = grant
        self.clock = clock
        self.admit = admit
        self._sessions: dict[str, Session] = {}

    def __len__(self) -> int:
        return len(self._sessions)

    def find(self, query: QueryParams) -> Session | None:
        """The session that a request names; None where it begins one.

        Raises:
            BadHandshake: it is not known, or the protocol is another one.
        """
        if query.get("EIO") != VERSION:
            raise BadHandshake(BAD_VERSION)
        if query.get("transport") not in ("polling", "websocket"):
            raise BadHandshake(UNKNOWN_TRANSPORT)
        sid = query.get("sid")
        if sid is None:
            return None
        if sid not in self._sessions:
            raise BadHandshake(UNKNOWN_SID)
        return self._sessions[sid]

    def polling(self, handshake: Handshake) -> bytes:
        """Begins a session by polling: the body of the answer."""
        return self._buffered(handshake).open(upgrades=True)

    async def poll(self, session: Session, gone: Awaitable[None]) -> bytes:
        """The packets that wait, or the first that comes; `gone` returns when the client does not wait any more.

        Raises:
            BadHandshake: the session has no polling any more, or two polls at once.
        """
        buffer = session.buffer
        if buffer is None or session.polled:
            session.close()
            raise BadHandshake(BAD_REQUEST)
        session.polled = True
        taking = asyncio.ensure_future(buffer.take(PING_INTERVAL + PING_TIMEOUT))
        leaving = asyncio.ensure_future(gone)
        try:
            await asyncio.wait({taking, leaving}, return_when=asyncio.FIRST_COMPLETED)
            if not taking.done():
                session.lost()
            waiting = await taking
        finally:
            taking.cancel()
            leaving.cancel()
            session.polled, session.heard_poll = False, self.clock()
        return (waiting or _NOOP + RECORD_SEPARATOR)[:-1]

    def post(self, session: Session, body: bytes) -> None:
        """Packets of the client.

        Raises:
            BadHandshake: the session has no polling any more, or the packets are too many.
        """
        if session.buffer is None or body.count(RECORD_SEPARATOR) >= MAX_PACKETS:
            raise BadHandshake(BAD_REQUEST)
        for packet in body.split(RECORD_SEPARATOR):
            session.packet(packet)

    def begin(
        self, handshake: Handshake, release: Callable[[], None]
    ) -> Callable[[Connection], None]:
        """A session that begins over a WebSocket, once the upgrade has been answered."""

        def owned(connection: Connection) -> None:
            session = self._add(handshake, connection.transport, release)
            connection.take_over(_Carrier(session, connection.transport))
            session.send(session.open(upgrades=False))

        return owned

    def upgrade(self, session: Session) -> Callable[[Connection], None]:
        """A session that began by polling comes with a WebSocket."""

        def owned(connection: Connection) -> None:
            connection.take_over(_Probe(session, connection.transport))
            session.expect(connection.transport)

        return owned

    async def serve(self, socket: WebSocket, session: Session | None, handshake: Handshake) -> None:
        """The same over ASGI, where the connection cannot be taken over; raises as `admit`, before it is accepted."""
        begun = self._buffered(handshake) if session is None else session
        if session is None:
            begun.send(begun.open(upgrades=False))
        try:
            await socket.accept()
            if session is None or await _probed(socket, session):
                await _carry(socket, begun)
        finally:
            if session is None:
                begun.lost()

    def sweep(self) -> None:
        """Sweeps every session; called once a second."""
        now = self.clock()
        for session in list(self._sessions.values()):
            session.sweep(now)

    def close(self) -> None:
        """Ends all sessions."""
        for session in list(self._sessions.values()):
            session.close()

    def forget(self, session: Session) -> None:
        """Removes a session that has ended."""
        self._sessions.pop(session.sid, None)

    def _buffered(self, handshake: Handshake) -> Session:
        return self._add(handshake, Buffer(), self.admit(handshake.address))

    def _add(self, handshake: Handshake, outlet: Outlet, release: Callable[[], None]) -> Session:
        session = Session(self, handshake, outlet, release)
        self._sessions[session.sid] = session
        return session


class _Carrier:
    """Owns the connection of a session."""

    __slots__ = ("_reader", "_session", "_transport")

    def __init__(
        self, session: Session, transport: asyncio.Transport, reader: Reader | None = None
    ) -> None:
        self._session = session
        self._transport = transport
        self._reader = reader or Reader()

    def received(self, data: bytes) -> None:
        """Frames of the client."""
        try:
            for opcode, payload in self._reader.feed(data):
                if opcode == TEXT:
                    self._packet(payload)
                elif opcode == PING:
                    self._transport.write(websocket_frame(payload, PONG))
                elif opcode == CLOSE:
                    close(self._transport, NORMAL)
        except Broken as broken:
            close(self._transport, broken.code)

    def pause(self) -> None:
        """The write buffer is full: pauses the session."""
        self._session.pause()

    def resume(self) -> None:
        """The write buffer has drained: the session goes on."""
        self._session.resume()

    def lost(self) -> None:
        """The connection is closed, and so is the session."""
        self._session.lost()

    def _packet(self, packet: bytes) -> None:
        self._session.packet(packet)


class _Probe(_Carrier):
    """A connection that a session may move to, in time; until then the session goes on by polling."""

    __slots__ = ("_late", "_moved")

    def __init__(self, session: Session, transport: asyncio.Transport) -> None:
        super().__init__(session, transport)
        self._moved = False
        loop = asyncio.get_running_loop()
        self._late = loop.call_later(UPGRADE_SECONDS, transport.abort)

    def pause(self) -> None:
        """Pauses the session once it has moved here."""
        if self._moved:
            super().pause()

    def resume(self) -> None:
        """The session goes on, once it has moved here."""
        if self._moved:
            super().resume()

    def lost(self) -> None:
        """The connection is closed; a session that had not moved goes on."""
        self._late.cancel()
        if self._moved:
            super().lost()

    def _packet(self, packet: bytes) -> None:
        if self._moved:
            self._session.packet(packet)
        elif self._session.closed or self._session.buffer is None:
            close(self._transport, NORMAL)
        elif packet == _PING + b"probe":
            self._transport.write(websocket_frame(_PONG + b"probe"))
            if self._session.polled:  # so that the poll ends
                self._session.send(_NOOP)
        elif packet == _UPGRADE:
            self._moved = True
            self._late.cancel()
            self._session.promote(self._transport)


async def _probed(socket: WebSocket, session: Session) -> bool:
    """Whether the client moved its session to this WebSocket, in time."""
    with suppress(WebSocketDisconnect, KeyError, TimeoutError):
        async with asyncio.timeout(UPGRADE_SECONDS):
            return await _asked_to_move(socket, session)
    return False


async def _asked_to_move(socket: WebSocket, session: Session) -> bool:
    while not session.closed:
        packet = (await socket.receive_text()).encode()
        if packet == _PING + b"probe":
            await socket.send_text("3probe")
            session.send(_NOOP)
        elif packet == _UPGRADE:
            return True
    return False


async def _carry(socket: WebSocket, session: Session) -> None:
    buffer = session.buffer
    if buffer is None:
        return
    session.polled = True  # somebody takes what waits all the time
    receiving = asyncio.create_task(receive_texts(socket, session.packet, session.lost))
    try:
        while (waiting := await buffer.take(POLL_SECONDS)) is not None:
            await send_texts(socket, waiting)
        with suppress(RuntimeError):
            await socket.close(NORMAL)
    except (WebSocketDisconnect, TimeoutError):
        pass
    finally:
        receiving.cancel()
        session.lost()
