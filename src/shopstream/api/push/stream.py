"""A stream over HTTP: what a subscriber takes, written to its connection."""

import asyncio
import socket
from contextlib import suppress
from typing import Any

from starlette.types import Receive, Scope, Send

from shopstream.api.push import frames
from shopstream.api.push.hub import Hub
from shopstream.api.push.subscriber import EndOfStream, Subscriber

PING_SECONDS = 15.0
STALL_SECONDS = 30.0
"""A client that reads nothing for this long is cut off."""
SEND_BUFFER = 32 * 1024
"""Bytes that the kernel may hold for a client; by default it hides megabytes behind one that stalls."""
TRANSPORT = "shopstream.transport"
"""The ASGI extension under which our server hands over the transport."""

_HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
]


class EventStream:
    """An ASGI application for one request. `expires` is the loop's time at which the token ends."""

    def __init__(
        self, hub: Hub, shop: str, subscriber: Subscriber, since: str | None, expires: float
    ) -> None:
        self._hub = hub
        self._shop = shop
        self._subscriber = subscriber
        self._since = since
        self._expires = expires

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        transport = scope.get("extensions", {}).get(TRANSPORT)
        _bound(transport)
        await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
        watcher = asyncio.create_task(self._watch(receive))
        self._hub.join(self._shop, self._subscriber, self._since)
        try:
            await self._write(send)
        except TimeoutError:
            await _cut(transport, watcher)
        finally:
            self._hub.leave(self._shop, self._subscriber)
            watcher.cancel()

    async def _watch(self, receive: Receive) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        self._subscriber.end()

    async def _write(self, send: Send) -> None:
        while True:
            try:
                body = await self._next()
            except EndOfStream as end:
                await _send(send, end.last, more=False)
                return
            await _send(send, body, more=True)

    async def _next(self) -> bytes:
        left = self._expires - asyncio.get_running_loop().time()
        if left <= 0:
            self._subscriber.end(frames.bye("expired"))
        body = await self._subscriber.take(max(0.0, min(PING_SECONDS, left)))
        return frames.PING if body is None else body


async def _send(send: Send, body: bytes, *, more: bool) -> None:
    async with asyncio.timeout(STALL_SECONDS):
        await send({"type": "http.response.body", "body": body, "more_body": more})


def _bound(transport: Any) -> None:
    sock = transport.get_extra_info("socket") if transport is not None else None
    if sock is not None:
        with suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)


async def _cut(transport: Any, watcher: asyncio.Task[None]) -> None:
    """Closing would wait for the client to read the rest, so the connection is aborted."""
    if transport is not None:
        transport.abort()
        await asyncio.wait({watcher}, timeout=1)
