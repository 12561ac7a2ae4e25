"""Server-sent events over HTTP: the connection itself where our server offers it, else an ordinary response."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from api.push.encoding import SSE, SSE_CHUNKED, Encoding
from api.push.hub import Hub
from api.push.outlet import Buffer
from api.push.subscriber import Outlet, Subscriber, SubscriptionFilter
from api.push.takeover import STALL_SECONDS, offered
from api.push.websocket import MAX_MESSAGE

POLL_SECONDS = 15.0
MAX_HEARD = MAX_MESSAGE
"""Bytes that a client may send behind the request of its stream."""

_HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
]


@dataclass(frozen=True, slots=True)
class Subscription:
    """What a request for a stream was granted. `release` gives its place among the open streams back."""

    hub: Hub
    shop: str
    filter: SubscriptionFilter
    since: str | None
    expires: float
    rotates: float
    release: Callable[[], None]

    def open(
        self, encoding: Encoding, outlet: Outlet, farewell: Callable[[str], bytes] | None = None
    ) -> Subscriber:
        """A subscriber that has not joined yet."""
        subscriber = Subscriber(self.filter, encoding, outlet, self.expires, self.rotates)
        if farewell is not None:
            subscriber.farewell = farewell
        return subscriber

    def join(self, subscriber: Subscriber) -> None:
        """It begins."""
        self.hub.join(self.shop, subscriber, self.since)

    def leave(self, subscriber: Subscriber) -> None:
        """It is over."""
        self.hub.leave(subscriber)
        self.release()


class Listener:
    """Owns a connection on which the client has nothing to say."""

    __slots__ = ("_heard", "_subscriber", "_subscription")

    def __init__(self, subscription: Subscription, subscriber: Subscriber) -> None:
        self._subscription = subscription
        self._subscriber = subscriber
        self._heard = 0

    def received(self, data: bytes) -> None:
        """A request behind a stream is never answered; who goes on talking is cut off."""
        self._heard += len(data)
        if self._heard > MAX_HEARD:
            self._subscriber.outlet.abort()

    def pause(self) -> None:
        """The client does not read."""
        self._subscription.hub.pause(self._subscriber)

    def resume(self) -> None:
        """It reads again."""
        self._subscription.hub.resume(self._subscriber)

    def lost(self) -> None:
        """The connection is gone."""
        self._subscription.leave(self._subscriber)


class EventStream(Response):
    """The response that is a stream."""

    def __init__(self, subscription: Subscription) -> None:
        self.background = None
        self.status_code = 200
        self._subscription = subscription

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        connection = offered(scope)
        try:
            await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
        except BaseException:
            self._subscription.release()
            raise
        if connection is None:
            await self._serve(receive, send)
        elif connection.transport.is_closing():
            self._subscription.release()
        else:
            subscriber = self._subscription.open(SSE_CHUNKED, connection.transport, _last_chunk)
            connection.take_over(Listener(self._subscription, subscriber))
            self._subscription.join(subscriber)

    async def _serve(self, receive: Receive, send: Send) -> None:
        buffer = Buffer()
        subscriber = self._subscription.open(SSE, buffer)
        hub = self._subscription.hub
        buffer.pause = lambda: hub.pause(subscriber)
        buffer.resume = lambda: hub.resume(subscriber)
        watcher = asyncio.create_task(_until_gone(receive, buffer))
        try:
            self._subscription.join(subscriber)
            while (body := await buffer.take(POLL_SECONDS)) is not None:
                if body:
                    async with asyncio.timeout(STALL_SECONDS):
                        await send({"type": "http.response.body", "body": body, "more_body": True})
            if not buffer.aborted:
                await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            watcher.cancel()
            self._subscription.leave(subscriber)


def _last_chunk(_: str) -> bytes:
    return b"0\r\n\r\n"


async def _until_gone(receive: Receive, buffer: Buffer) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    buffer.abort()
