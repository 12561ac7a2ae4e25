"""The HTTP face as an ASGI application: health at once, statements on threads of their own."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from .answer import Answer
from .body import Disconnected, Receive, make_call, read_body
from .call import Call, lower_headers, url_params
from .errors import ServerError
from .logins import Login, authenticate
from .running import Running
from .service import Service
from .stream import ResultStream

Message = MutableMapping[str, Any]
Send = Callable[[Any], Awaitable[None]]

STATEMENT_THREADS: Final = 64
READER_THREADS: Final = 16
CONTROL_THREADS: Final = 8
BODY_LIMIT: Final = 256 << 20
HEALTH_PATHS: Final = ("/ping", "/replicas_status")
_OK_HEADERS = [
    (b"content-type", b"text/html; charset=UTF-8"),
    (b"content-length", b"4"),
    (b"x-clickhouse-server-display-name", b"chdb"),
]
_NOWHERE = (
    "There is no handle {path}. Use / or /ping for health checks.\n"
    "Or /replicas_status for more sophisticated health checks.\n"
    "Send queries from your program with POST method or GET /?query=...\n"
)


class App:
    """Args:
    body_limit: bytes a request's body may have, before and after it is decompressed.
    """

    def __init__(
        self, service: Service, logins: Mapping[str, Login], body_limit: int = BODY_LIMIT
    ) -> None:
        self._service = service
        self._logins = logins
        self._limit = body_limit
        self._workers = ThreadPoolExecutor(STATEMENT_THREADS, "statement")
        # slow questions of read-only logins must not hold up the pipeline and the reports
        self._readers = ThreadPoolExecutor(READER_THREADS, "reader")
        # KILL and hang-ups must get through when every statement thread is busy
        self._control = ThreadPoolExecutor(CONTROL_THREADS, "control")

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        path, method = scope["path"], scope["method"]
        if path in HEALTH_PATHS or (
            path == "/" and method in ("GET", "HEAD") and not scope["query_string"]
        ):
            await _send(send, 200, _OK_HEADERS, b"Ok.\n")
        elif path != "/":
            text = _NOWHERE.format(path=path).encode()
            await _send(send, 404, [(b"content-type", b"text/plain; charset=UTF-8")], text)
        else:
            await self._statement(scope, receive, send)

    def stop(self) -> None:
        """Kills every statement; those that wait are not begun."""
        registry = self._service.registry
        registry.kill(registry.find(lambda _: True))
        for pool in (self._workers, self._readers):
            pool.shutdown(wait=False, cancel_futures=True)

    async def _statement(self, scope: Message, receive: Receive, send: Send) -> None:
        try:
            call = await self._read(scope, receive)
            running = self._service.registry.begin(call.query_id, call.login.name)
        except Disconnected:
            return
        except ServerError as error:
            await self._refuse(send, error)
            return
        watch = asyncio.create_task(self._watch(receive, running))
        try:
            pool = self._pool(call)
            loop = asyncio.get_running_loop()
            answer = await loop.run_in_executor(pool, self._service.answer, call, running)
            await self._respond(send, answer, running, pool)
        finally:
            watch.cancel()

    async def _read(self, scope: Message, receive: Receive) -> Call:
        headers = lower_headers(scope["headers"])
        params = url_params(scope["query_string"])
        login = authenticate(self._logins, headers, params)
        body = await read_body(receive, headers, self._limit)
        parts = login, scope["method"], params, headers, body, self._limit
        if headers.get(b"content-encoding") or params.get("decompress") == "1":
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._workers, make_call, *parts)
        return make_call(*parts)

    def _pool(self, call: Call) -> ThreadPoolExecutor:
        if _starts_with_kill(call):
            return self._control
        return self._readers if call.login.readonly else self._workers

    async def _watch(self, receive: Receive, running: Running) -> None:
        """When the client hangs up, the engine stops too."""
        while (await receive())["type"] != "http.disconnect":
            pass
        self._service.registry.kill([running])

    async def _respond(
        self, send: Send, answer: Answer, running: Running, pool: ThreadPoolExecutor
    ) -> None:
        if isinstance(answer.body, bytes):
            await _send(send, answer.status, answer.headers, answer.body)
        else:
            await self._pour(send, answer, answer.body, running, pool)

    async def _pour(
        self,
        send: Send,
        answer: Answer,
        stream: ResultStream,
        running: Running,
        pool: ThreadPoolExecutor,
    ) -> None:
        """Sends a stream; after a failure the body stays without its last chunk."""
        loop = asyncio.get_running_loop()
        start = {"status": answer.status, "headers": answer.headers}
        await send({"type": "http.response.start", **start})
        try:
            while (piece := await loop.run_in_executor(pool, stream.read)) is not None:
                if piece:
                    await send({"type": "http.response.body", "body": piece, "more_body": True})
                if stream.broken or running.killed.is_set():
                    return
            await send({"type": "http.response.body", "body": b""})
        finally:
            if not stream.over:
                await asyncio.shield(loop.run_in_executor(self._control, stream.close))

    async def _refuse(self, send: Send, error: ServerError) -> None:
        answer = self._service.refusal(error)
        assert isinstance(answer.body, bytes)
        await _send(send, answer.status, answer.headers, answer.body)


def _starts_with_kill(call: Call) -> bool:
    text = call.params.get("query", "").encode() or (call.body[0] if call.body else b"")
    return text[:64].lstrip()[:4].upper() == b"KILL"


async def _send(send: Send, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
    if headers is not _OK_HEADERS:
        headers.append((b"content-length", b"%d" % len(body)))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
