"""Socket.IO v4 at `/socket.io`: protocol revision 5 over Engine.IO revision 4, by WebSocket and by polling.

https://socket.io/docs/v4/socket-io-protocol/ and https://socket.io/docs/v4/engine-io-protocol/. A session outlives its
carrier: it may begin by polling and go on over a WebSocket. Its events come from the hub as those of any subscriber.
"""

import asyncio
from collections.abc import Awaitable, Callable

from starlette.datastructures import QueryParams
from starlette.websockets import WebSocket

from api.push.buffer import Buffer
from api.push.encoding import RECORD_SEPARATOR
from api.push.engine_io import (
    BAD_REQUEST,
    BAD_VERSION,
    MAX_PACKETS,
    MOVING_POLL_SECONDS,
    PING_INTERVAL,
    PING_TIMEOUT,
    UNKNOWN_SID,
    UNKNOWN_TRANSPORT,
    VERSION,
    BadHandshake,
    Handshake,
    Packet,
)
from api.push.hub import Hub
from api.push.socketio_carriers import Carrier, Probe, carry, probed
from api.push.socketio_session import Grant, Session
from api.push.subscriber import Outlet
from api.push.takeover import Connection

PATHS = ("/socket.io/", "/socket.io")
ANONYMOUS = 1_000
"""Sessions without a token, of which each may hold a first request of 64 KiB."""


class SocketIo:
    """The sessions of a process. `admit` takes a slot for a connection from an address, or raises `Busy` or
    `TooManyStreams`; what it returns frees the slot. Beyond `anonymous` sessions that have not authenticated yet the
    oldest of them is closed: one with a token needs a round trip, and is not kept out by those without."""

    def __init__(
        self,
        hub: Hub,
        grant: Grant,
        admit: Callable[[str], Callable[[], None]],
        clock: Callable[[], float],
        anonymous: int = ANONYMOUS,
    ) -> None:
        self.hub = hub
        self.grant = grant
        self.clock = clock
        self.admit = admit
        self._most_anonymous = anonymous
        self._sessions: dict[str, Session] = {}
        self._anonymous: dict[str, Session] = {}
        """In the order in which they began."""

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
        moves = session.answered is not None
        seconds = MOVING_POLL_SECONDS if moves else PING_INTERVAL + PING_TIMEOUT
        taking = asyncio.ensure_future(buffer.take(seconds))
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
        return (waiting or Packet.NOOP + RECORD_SEPARATOR)[:-1]

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
            connection.take_over(Carrier(session, connection.transport))
            session.send(session.open(upgrades=False))

        return owned

    def upgrade(self, session: Session) -> Callable[[Connection], None]:
        """A session that began by polling comes with a WebSocket."""

        def owned(connection: Connection) -> None:
            connection.take_over(Probe(session, connection.transport))
            session.expect(connection.transport)

        return owned

    async def serve(self, socket: WebSocket, session: Session | None, handshake: Handshake) -> None:
        """The same over ASGI, where the connection cannot be taken over; raises as `admit`, before it is accepted."""
        begun = self._buffered(handshake) if session is None else session
        if session is None:
            begun.send(begun.open(upgrades=False))
        try:
            await socket.accept()
            if session is None or await probed(socket, session):
                await carry(socket, begun)
        finally:
            if session is None:
                begun.lost()

    def sweep(self) -> None:
        """Sweeps every session; called once a second."""
        now = self.clock()
        for session in list(self._sessions.values()):
            session.sweep(now)

    def close(self) -> None:
        for session in list(self._sessions.values()):
            session.close()

    def forget(self, session: Session) -> None:
        self._sessions.pop(session.sid, None)
        self._anonymous.pop(session.sid, None)

    def authenticated(self, session: Session) -> None:
        """Counts a session no more among those without a token."""
        self._anonymous.pop(session.sid, None)

    def _buffered(self, handshake: Handshake) -> Session:
        return self._add(handshake, Buffer(), self.admit(handshake.address))

    def _add(self, handshake: Handshake, outlet: Outlet, release: Callable[[], None]) -> Session:
        session = Session(self, handshake, outlet, release)
        self._sessions[session.sid] = self._anonymous[session.sid] = session
        if len(self._anonymous) > self._most_anonymous:
            next(iter(self._anonymous.values())).close()
        return session
