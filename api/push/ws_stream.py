"""`GET /ws`: the events of a shop as messages of a WebSocket, and what its client may say."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

import orjson
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect

from api.push.buffer import Buffer
from api.push.encoding import (
    RECORD_SEPARATOR,
    WEBSOCKET,
    WEBSOCKET_SEPARATED,
    websocket_frame,
)
from api.push.event_types import DEFAULT, types_of
from api.push.hub import Hub
from api.push.subscriber import Subscriber
from api.push.subscription import POLL_SECONDS, StreamConnection, Subscription
from api.push.takeover import STALL_SECONDS, Connection
from api.push.websocket import (
    CLOSE,
    EXPIRED,
    GOING_AWAY,
    NORMAL,
    PING,
    PONG,
    RESTART,
    TEXT,
    Broken,
    Reader,
    close,
    close_payload,
)

_CODES = {"expired": EXPIRED, "shutdown": RESTART, "rotate": RESTART}
"""Codes of the close frame, by the reason in `stream:bye`."""


def _close_frame(reason: str) -> bytes:
    return websocket_frame(close_payload(_CODES.get(reason, GOING_AWAY)), CLOSE)


def apply_message(hub: Hub, subscriber: Subscriber, text: bytes | str) -> None:
    """Applies `{"subscribe": [types]}` of a client; anything else changes nothing and is answered by `stream:error`."""
    try:
        message = orjson.loads(text)
        types = types_of(message["subscribe"]) if message["subscribe"] else DEFAULT
    except (orjson.JSONDecodeError, KeyError, TypeError):
        _write_control(subscriber, "stream:error", detail='send {"subscribe": [types]}')
    except ValueError as error:
        _write_control(subscriber, "stream:error", detail=f"subscribe {error}")
    else:
        hub.choose(subscriber, types)
        _write_control(subscriber, "stream:types", types=sorted(types))


def _write_control(subscriber: Subscriber, name: str, **members: Any) -> None:
    subscriber.outlet.write(subscriber.encoding.control(name, **members))


class WebSocketConnection(StreamConnection):
    """Owns a connection after the handshake."""

    __slots__ = ("_reader", "_transport")

    def __init__(
        self, subscription: Subscription, subscriber: Subscriber, transport: asyncio.Transport
    ) -> None:
        super().__init__(subscription, subscriber)
        self._transport = transport
        self._reader = Reader()

    def received(self, data: bytes) -> None:
        """Answers the client's frames: texts, pings and its close."""
        try:
            for opcode, payload in self._reader.feed(data):
                self._message(opcode, payload)
        except Broken as broken:
            self._close(broken.code)

    def _message(self, opcode: int, payload: bytes) -> None:
        if self._subscriber.ended:
            return
        if opcode == TEXT:
            apply_message(self._subscription.hub, self._subscriber, payload)
        elif opcode == PING:
            self._transport.write(websocket_frame(payload, PONG))
        elif opcode == CLOSE:
            code = int.from_bytes(payload[:2], "big") if len(payload) >= 2 else NORMAL
            self._close(code if 1000 <= code < 5000 and code not in (1005, 1006, 1015) else 1002)

    def _close(self, code: int) -> None:
        close(self._transport, code)
        self._subscription.hub.leave(self._subscriber)


class Upgrade(Response):
    """The response that becomes a WebSocket. `begin` takes the connection over; `release` is called where it comes to
    nothing."""

    def __init__(
        self,
        accept: str,
        connection: Connection,
        begin: Callable[[Connection], None],
        release: Callable[[], None],
    ) -> None:
        self.background = None
        self.status_code = 101
        self._accept = accept
        self._connection = connection
        self._begin = begin
        self._release = release

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = [
            (b"upgrade", b"websocket"),
            (b"connection", b"Upgrade"),
            (b"sec-websocket-accept", self._accept.encode()),
        ]
        self._connection.switching()
        try:
            await send({"type": "http.response.start", "status": 101, "headers": headers})
            self._begin(self._connection)
        except BaseException:
            self._release()
            raise


def begin(subscription: Subscription) -> Callable[[Connection], None]:
    """What an `Upgrade` does once it has been sent."""

    def owned(connection: Connection) -> None:
        transport = connection.transport
        subscriber = subscription.open(WEBSOCKET, transport, _close_frame)
        connection.take_over(WebSocketConnection(subscription, subscriber, transport))
        if transport.is_closing():
            subscription.release()
        else:
            subscription.join(subscriber)

    return owned


async def serve(socket: WebSocket, subscription: Subscription) -> None:
    """The same over ASGI, where the connection cannot be taken over."""
    buffer, hub = Buffer(), subscription.hub
    subscriber = subscription.open(WEBSOCKET_SEPARATED, buffer)
    buffer.bind(hub, subscriber)
    receiving: asyncio.Task[None] | None = None
    try:
        await socket.accept()
        on_text = partial(apply_message, hub, subscriber)
        receiving = asyncio.create_task(receive_texts(socket, on_text, buffer.abort))
        subscription.join(subscriber)
        while (body := await buffer.take(POLL_SECONDS)) is not None:
            await send_texts(socket, body)
        with suppress(RuntimeError):
            await socket.close(_CODES.get(subscriber.reason, GOING_AWAY))
    except (WebSocketDisconnect, TimeoutError):
        pass
    finally:
        if receiving is not None:
            receiving.cancel()
        subscription.leave(subscriber)


async def send_texts(socket: WebSocket, body: bytes) -> None:
    """Texts that end with the record separator, as a message each."""
    for text in body.split(RECORD_SEPARATOR)[:-1]:
        async with asyncio.timeout(STALL_SECONDS):
            await socket.send_text(text.decode())


async def receive_texts(
    socket: WebSocket, on_text: Callable[[bytes], None], lost: Callable[[], None]
) -> None:
    """Calls `on_text` for each text of the client, and `lost` once it is gone."""
    try:
        while True:
            on_text((await socket.receive_text()).encode())
    except (WebSocketDisconnect, KeyError, RuntimeError):
        lost()
