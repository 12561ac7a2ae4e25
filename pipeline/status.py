"""`/health` and `/ready` of a worker."""

from collections.abc import Callable, Mapping

from aiohttp import web

from shopstream.metrics import Page


def pages(unavailable: Callable[[], dict[str, str]]) -> Mapping[str, Page]:
    """`unavailable` returns the reason by the name of each dependency that does not serve; empty means ready."""

    async def health(_: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    async def ready(_: web.Request) -> web.Response:
        reasons = unavailable()
        body = {"status": "unready" if reasons else "ready", **reasons}
        return web.json_response(body, status=503 if reasons else 200)

    return {"/health": health, "/ready": ready}
