"""The API in this process, of parts that a test gives."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any

import httpx
import numpy as np
from fastapi import FastAPI
from starlette.routing import BaseRoute, Mount

from api.access import Access
from api.app import Deps, create_app, utc_now
from api.freshness.topology import Look
from api.freshness.tracker import FreshnessTracker
from api.push.hub import Hub
from api.tickets import Tickets
from shopstream.settings import Settings

SECRET = "s" * 40


class Counting:
    """An engine that counts its statements; without one inside, each fails or answers nothing."""

    def __init__(self, inside: Any = None) -> None:
        self._inside = inside
        self.statements = 0

    async def rows(self, *args: Any, **named: Any) -> list[dict[str, Any]]:
        self.statements += 1
        return await self._inside.rows(*args, **named) if self._inside else []

    async def columns(self, sql: str, dtypes: Sequence[Any], *args: Any) -> list[Any]:
        self.statements += 1
        if self._inside:
            found: list[Any] = await self._inside.columns(sql, dtypes, *args)
            return found
        return [[] if dtype is None else np.zeros(0, dtype) for dtype in dtypes]

    async def content(self, *args: Any, **named: Any) -> bytes:
        self.statements += 1
        return await self._inside.content(*args, **named) if self._inside else b""

    async def ping(self) -> None:
        return None


def application(
    engine: Any, access: Access | None = None, now: Callable[[], datetime] = utc_now, **more: Any
) -> FastAPI:
    """Kafka serves, no topic is known, and the hub is at its live end."""

    async def look() -> Look:
        return Look(None)

    hub = Hub(lambda: now().timestamp())
    hub.read.ready()
    parts_of_app = {field.name for field in fields(Deps)}
    given = {name: more.pop(name) for name in more.keys() - parts_of_app}
    bounds = {"streams_per_address": 0, "streams_per_user": 0, "stream_seconds": 0}
    parts: dict[str, Any] = {
        "settings": Settings(**{"jwt_secret": SECRET, **bounds, **given}),
        "engine": engine,
        "access": access or Access(Settings(jwt_secret=SECRET)),
        "tickets": Tickets(SECRET),
        "tracker": FreshnessTracker(),
        "hub": hub,
        "kafka": lambda: None,
        "look": look,
    }
    return create_app(Deps(**{**parts, **more}), now)


def client(app: FastAPI) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test")


def every_route(routes: Iterable[BaseRoute]) -> Iterator[BaseRoute]:
    """Each route, also those of included routers."""
    for route in routes:
        inside = getattr(route, "original_router", route)
        if inside is route and not isinstance(route, Mount):
            yield route
        else:
            yield from every_route(inside.routes)
