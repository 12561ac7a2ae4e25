"""What wraps every request: the access log and the request metrics. Pure ASGI."""

import logging
import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shopstream.api.metrics import Metrics

access_log = logging.getLogger("shopstream.api.access")

QUIET = frozenset({"/health", "/ready", "/metrics"})


class Observed:
    """Logs and counts each answer when it begins. Neither tokens nor query strings are logged."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = time.perf_counter()

        async def observed(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._answered(scope, message["status"], time.perf_counter() - begun)
            await send(message)

        await self._app(scope, receive, observed)

    def _answered(self, scope: Scope, status: int, seconds: float) -> None:
        route = getattr(scope.get("route"), "path", None) or "other"
        method = scope["method"] if scope["method"] in _METHODS else "other"
        self._metrics.answered(method, route, status, seconds)
        if scope["path"] not in QUIET:
            access_log.info(
                "%s %s %d %.1f ms", method, _printable(scope["path"]), status, seconds * 1000
            )


_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def _printable(path: str) -> str:
    return path[:200].encode("unicode_escape").decode()
