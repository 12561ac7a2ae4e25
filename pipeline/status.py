"""`/health`, `/ready` and `/metrics` of a worker, on a port of its own."""

import json
from collections.abc import Callable

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

Unavailable = Callable[[], dict[str, str]]


class Status:
    """`unavailable` returns the reason by the name of each dependency that does not serve; empty means ready."""

    def __init__(self, registry: CollectorRegistry, unavailable: Unavailable) -> None:
        self._registry = registry
        self._unavailable = unavailable
        self._runner: web.AppRunner | None = None

    async def start(self, host: str, port: int) -> None:
        """Starts to listen.

        Raises:
            OSError: the port is in use.
        """
        app = web.Application()
        app.router.add_get("/health", self._health)
        app.router.add_get("/ready", self._ready)
        app.router.add_get("/metrics", self._metrics)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, host, port).start()

    async def _health(self, _: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    async def _ready(self, _: web.Request) -> web.Response:
        reasons = self._unavailable()
        body = {"status": "unready" if reasons else "ready", **reasons}
        return web.json_response(body, status=503 if reasons else 200, dumps=json.dumps)

    async def _metrics(self, _: web.Request) -> web.Response:
        content = generate_latest(self._registry)
        return web.Response(body=content, headers={"Content-Type": CONTENT_TYPE_LATEST})
