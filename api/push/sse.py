"""Server-sent events over HTTP: the connection itself where our server offers it, else an ordinary response."""

import asyncio

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from api.push.buffer import Buffer
from api.push.encoding import SSE, SSE_CHUNKED
from api.push.subscription import POLL_SECONDS, StreamConnection, Subscription
from api.push.takeover import STALL_SECONDS, offered

_HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
]


class EventStream(Response):
    """The response of `GET /events`: its body is the stream of a subscription."""

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
            return
        subscriber = self._subscription.open(SSE_CHUNKED, connection.transport, _last_chunk)
        connection.take_over(StreamConnection(self._subscription, subscriber))
        if connection.transport.is_closing():
            self._subscription.release()
        else:
            self._subscription.join(subscriber)

    async def _serve(self, receive: Receive, send: Send) -> None:
        buffer = Buffer()
        subscriber = self._subscription.open(SSE, buffer)
        buffer.bind(self._subscription.hub, subscriber)
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
