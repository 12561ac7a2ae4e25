"""The WebSockets that carry a session of Socket.IO, or that it may move to."""

import asyncio
from contextlib import suppress

from starlette.websockets import WebSocket, WebSocketDisconnect

from api.push import websocket
from api.push.encoding import websocket_frame
from api.push.engine_io import UPGRADE_SECONDS, Packet
from api.push.socketio_session import Session
from api.push.subscription import POLL_SECONDS
from api.push.ws_stream import receive_texts, send_texts


class Carrier:
    """Owns the connection of a session."""

    __slots__ = ("_reader", "_session", "_transport")

    def __init__(
        self, session: Session, transport: asyncio.Transport, reader: websocket.Reader | None = None
    ) -> None:
        self._session = session
        self._transport = transport
        self._reader = reader or websocket.Reader()

    def received(self, data: bytes) -> None:
        try:
            for opcode, payload in self._reader.feed(data):
                if opcode == websocket.TEXT:
                    self._packet(payload)
                elif opcode == websocket.PING:
                    self._transport.write(websocket_frame(payload, websocket.PONG))
                elif opcode == websocket.CLOSE:
                    websocket.close(self._transport, websocket.NORMAL)
        except websocket.Broken as broken:
            websocket.close(self._transport, broken.code)

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


class Probe(Carrier):
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
        elif self._session.answered is self._transport:
            self._session.answered = None

    def _packet(self, packet: bytes) -> None:
        if self._moved:
            self._session.packet(packet)
        elif self._session.closed or self._session.buffer is None:
            websocket.close(self._transport, websocket.NORMAL)
        elif packet == Packet.PING + b"probe":
            self._transport.write(websocket_frame(Packet.PONG + b"probe"))
            self._session.answered = self._transport
            if self._session.polled:  # so that the poll ends
                self._session.send(Packet.NOOP)
        elif packet == Packet.UPGRADE:
            self._moved = True
            self._late.cancel()
            self._session.promote(self._transport)


async def probed(socket: WebSocket, session: Session) -> bool:
    """Whether the client moved its session to this WebSocket, in time."""
    with suppress(WebSocketDisconnect, KeyError, TimeoutError):
        async with asyncio.timeout(UPGRADE_SECONDS):
            return await _asked_to_move(socket, session)
    return False


async def _asked_to_move(socket: WebSocket, session: Session) -> bool:
    while not session.closed:
        packet = (await socket.receive_text()).encode()
        if packet == Packet.PING + b"probe":
            await socket.send_text("3probe")
            session.send(Packet.NOOP)
        elif packet == Packet.UPGRADE:
            return True
    return False


async def carry(socket: WebSocket, session: Session) -> None:
    """Carries a session over a WebSocket of ASGI, until either ends."""
    buffer = session.buffer
    if buffer is None:
        return
    session.polled = True  # somebody takes what waits all the time
    receiving = asyncio.create_task(receive_texts(socket, session.packet, session.lost))
    try:
        while (waiting := await buffer.take(POLL_SECONDS)) is not None:
            await send_texts(socket, waiting)
        with suppress(RuntimeError):
            await socket.close(websocket.NORMAL)
    except (WebSocketDisconnect, TimeoutError):
        pass
    finally:
        receiving.cancel()
        session.lost()
