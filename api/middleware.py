"""What wraps every request: access log, CORS, problems, waiting for keys, refusing when full. Pure ASGI."""

import logging
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime

import orjson
from starlette.datastructures import Headers, QueryParams
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api import problems, trace
from api.access import Access, bearer
from api.concurrency import ConcurrencyLimit
from api.metrics import Metrics

access_log = logging.getLogger("shopstream.access")

QUIET = frozenset({"/health", "/ready", "/metrics"})
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


@dataclass(slots=True)
class _Seen:
    """What became of one request."""

    begun: float = field(default_factory=time.perf_counter)
    status: int | None = None
    size: int = 0

    @property
    def seconds(self) -> float:
        return time.perf_counter() - self.begun


class AccessLogMiddleware:
    """Gives each request its id, counts the answer when it begins, and logs it when it has ended.

    Neither tokens nor tickets nor query strings are logged.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics, logged: bool) -> None:
        self._app = app
        self._metrics = metrics
        self._logged = logged

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        known = trace.begin(scope, Headers(scope=scope).get(trace.HEADER))
        mark = (trace.HEADER.lower().encode(), known.request.encode())
        seen = _Seen()

        async def observed(message: Message) -> None:
            if message["type"] == "http.response.start":
                seen.status = message["status"]
                self._answered(scope, message["status"], seen.seconds)
                # a list of headers may be shared by many answers
                message = {**message, "headers": [*message.get("headers", ()), mark]}
            else:
                seen.size += len(message.get("body", b""))
            await send(message)

        try:
            await self._app(scope, receive, observed)
        finally:
            if self._logged and scope["path"] not in QUIET:
                access_log.info(_line(scope, known, seen))

    def _answered(self, scope: Scope, status: int, seconds: float) -> None:
        route = getattr(scope.get("route"), "path", None) or "other"
        method = scope["method"] if scope["method"] in _METHODS else "other"
        self._metrics.answered(method, route, status, seconds)


def _line(scope: Scope, known: trace.Trace, seen: _Seen) -> str:
    """One JSON object; `status` null where the client left before there was one."""
    fields = {
        "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "method": scope["method"][:16],
        "path": problems.printable(scope["path"]),
        "status": seen.status,
        "durationMs": round(seen.seconds * 1000, 1),
        "bytes": seen.size,
        "shop": known.shop,
        "sub": known.user,
        "requestId": known.request,
    }
    return orjson.dumps(fields).decode()


class Cors(CORSMiddleware):
    """What pages elsewhere may do; a refused preflight is a problem, as every refusal."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        except _BadPreflight as fault:
            await problems.respond(scope, fault)(scope, receive, send)

    def preflight_response(self, request_headers: Headers) -> Response:
        answer = super().preflight_response(request_headers)
        if answer.status_code == 200:
            return answer
        heads = {k: v for k, v in answer.headers.items() if not k.startswith("content-")}
        raise _BadPreflight(answer.status_code, bytes(answer.body).decode() + ".", heads)


class _BadPreflight(HTTPException):
    """A page asks for leave to send what it may not."""


class ErrorMiddleware:
    """Whatever goes wrong inside is answered as a problem, with the headers of the layers outside."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        begun = False

        async def watched(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except ClientDisconnect:
            return  # within its body: nobody waits for an answer
        except Exception as fault:
            if begun or scope["type"] != "http":
                raise
            await problems.respond(scope, fault)(scope, receive, send)


class JwksMiddleware:
    """Lets the key of a token arrive before the routes, which do not wait, look for it."""

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self._app = app
        self._access = access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        token = None
        if scope["type"] in ("http", "websocket"):
            token = bearer(Headers(scope=scope).get("authorization"))
        if token is not None:
            await self._access.prepare(token)
        await self._app(scope, receive, send)


class LoadSheddingMiddleware:
    """Lets no more reports under way than `limit` has slots for; those that wait for `includes` have `waiting`."""

    def __init__(self, app: ASGIApp, limit: ConcurrencyLimit, waiting: ConcurrencyLimit) -> None:
        self._app = app
        self._limit = limit
        self._waiting = waiting

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not _is_report(scope["path"]):
            await self._app(scope, receive, send)
            return
        waits = "includes" in QueryParams(scope["query_string"])
        with ExitStack() as slot:
            slot.enter_context((self._waiting if waits else self._limit).slot())

            async def made(message: Message) -> None:
                slot.close()  # from here on only its reader is waited for
                await send(message)

            await self._app(scope, receive, made)


def _is_report(path: str) -> bool:
    return path == "/stock" or path.startswith("/reports/")
