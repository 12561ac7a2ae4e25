"""One client of Socket.IO, whatever carries it."""

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol

import orjson

from api.problems import describe
from api.push import websocket
from api.push.buffer import Buffer
from api.push.encoding import (
    RECORD_SEPARATOR,
    SOCKETIO,
    SOCKETIO_SEPARATED,
    websocket_frame,
)
from api.push.engine_io import (
    CONNECT_SECONDS,
    MAX_PAYLOAD,
    PING_INTERVAL,
    PING_TIMEOUT,
    Handshake,
    Packet,
)
from api.push.hub import Hub
from api.push.subscriber import Outlet, Subscriber
from api.push.subscription import Subscription

log = logging.getLogger(__name__)

_CONNECT, _DISCONNECT = b"0", b"1"
"""Packets of Socket.IO, in a message of Engine.IO."""

Grant = Callable[[Handshake, Mapping[str, Any]], Awaitable[Subscription]]
"""From a handshake and the `auth` of the client to what it may have; raises what `problems.describe` knows."""


class Sessions(Protocol):
    """The sessions of a process, as one of them sees them."""

    hub: Hub
    grant: Grant
    clock: Callable[[], float]

    def forget(self, session: "Session") -> None: ...

    def authenticated(self, session: "Session") -> None: ...


class Session:
    """One client. `release` frees its slot among the open connections."""

    def __init__(
        self, server: Sessions, handshake: Handshake, outlet: Outlet, release: Callable[[], None]
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
        self.answered: asyncio.Transport | None = None
        """That one, once its client was told so."""
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
        about = {
            "sid": self.sid,
            "upgrades": ["websocket"] if upgrades else [],
            "pingInterval": int(PING_INTERVAL * 1000),
            "pingTimeout": int(PING_TIMEOUT * 1000),
            "maxPayload": MAX_PAYLOAD,
        }
        return Packet.OPEN + orjson.dumps(about)

    def send(self, packet: bytes) -> None:
        if self.buffer is not None:
            self.outlet.write(packet + RECORD_SEPARATOR)
        else:
            self.outlet.write(websocket_frame(packet))

    def packet(self, packet: bytes) -> None:
        """Handles a packet of the client; one behind its end is nobody's."""
        if self.closed:
            return
        self.heard = self._server.clock()
        kind = packet[:1]
        if kind == Packet.CLOSE:
            self.close()
        elif kind == Packet.MESSAGE:
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
            self.send(Packet.CLOSE)
            if self.buffer is None:
                self.outlet.write(
                    websocket_frame(websocket.close_payload(websocket.NORMAL), websocket.CLOSE)
                )
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
        elif self._anonymous and self._late(now):
            self.close()
        elif now - self.pinged >= PING_INTERVAL:
            self.pinged = now
            self.send(Packet.PING)

    @property
    def _anonymous(self) -> bool:
        """Whether it has not authenticated, and no token of it is being checked."""
        return self._subscription is None and self._connecting is None

    def _late(self, now: float) -> bool:
        return now - self.begun > CONNECT_SECONDS

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
        if self._late(self._server.clock()):
            self.close()  # one token after another would hold it for ever
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
        self._server.authenticated(self)
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
            return Packet.CLOSE + RECORD_SEPARATOR
        return websocket_frame(Packet.CLOSE) + websocket_frame(
            websocket.close_payload(websocket.GOING_AWAY), websocket.CLOSE
        )

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
