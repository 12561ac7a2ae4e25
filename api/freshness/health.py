"""`/health`, `/ready` and `/metrics`."""

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Protocol

import orjson
from fastapi import APIRouter
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from starlette.responses import Response

from api.documents import Responses
from api.freshness.tracker import FreshnessTracker
from clickhouse.client import ClickHouseClient
from clickhouse.errors import EngineError, EngineUnavailable
from shopstream.disk import Disk

STALE_SECONDS = 10.0
OK = "ok"
_UNREADY = "A dependency does not answer; the body says which"
_RETRY = {"description": "Seconds", "schema": {"type": "integer"}}


class Keys(Protocol):
    """The keys of the tokens."""

    def unavailable_reason(self) -> tuple[str, bool] | None:
        """What is wrong, and whether tokens can be checked meanwhile."""


class Health:
    """`kafka` says why Kafka does not serve, or None; `keys` None where none come from elsewhere."""

    def __init__(
        self,
        engine: ClickHouseClient,
        kafka: Callable[[], str | None],
        tracker: FreshnessTracker,
        registry: CollectorRegistry,
        now: Callable[[], datetime],
        keys: Keys | None = None,
        disk: Disk | None = None,
    ) -> None:
        self._engine = engine
        self._kafka = kafka
        self._tracker = tracker
        self._registry = registry
        self._now = now
        self._keys = keys
        self._disk = disk
        self._asking: asyncio.Task[str] | None = None

    async def health(self) -> Response:
        """The process runs."""
        return _json({"status": OK})

    async def ready(self) -> Response:
        """Whether every dependency answers; the pipeline, clocks and the disk are told but do not count."""
        checks = {"clickhouse": await self._clickhouse(), "kafka": self._kafka() or OK}
        reason = self._keys.unavailable_reason() if self._keys else None
        well = all(state == OK for state in checks.values()) and (reason is None or reason[1])
        if self._keys:
            checks["keys"] = reason[0] if reason else OK
        told = {"pipeline": self._pipeline(), **self._clocks(), **self._disks()}
        body = {"status": "ready" if well else "unready", **checks, **told}
        return _json(body, 200 if well else 503)

    async def metrics(self) -> Response:
        """Prometheus text format."""
        return Response(generate_latest(self._registry), media_type=CONTENT_TYPE_LATEST)

    async def _clickhouse(self) -> str:
        """Whoever asks while the database is asked waits for the same answer: anybody may ask."""
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._ping(), name="ready")
        return await asyncio.shield(self._asking)

    async def _ping(self) -> str:
        try:
            await self._engine.ping()
        except EngineUnavailable:
            return "The database does not answer."
        except EngineError as error:
            return f"The database refuses ({error.name})."
        return OK

    def _pipeline(self) -> str:
        as_of = self._tracker.as_of()
        if as_of is None:
            return "The pipeline has not said how far it is."
        age = (self._now() - as_of).total_seconds()
        return OK if age < STALE_SECONDS else f"The reports stand still since {age:.0f} s."

    def _clocks(self) -> dict[str, str]:
        ahead = self._tracker.ahead
        return {"clock": f"The clock of a worker is {ahead:.0f} s ahead."} if ahead else {}

    def _disks(self) -> dict[str, str]:
        shortage = self._disk.shortage() if self._disk else None
        return {"disk": shortage} if shortage else {}


def router(health: Health, *, metrics: bool = True) -> APIRouter:
    """The three routes, or without `metrics`, which then have a port of their own, two."""
    routes = APIRouter(tags=["operations"])
    unready: Responses = {503: {"description": _UNREADY, "headers": {"Retry-After": _RETRY}}}
    for path, endpoint, more in (
        ("/health", health.health, {}),
        ("/ready", health.ready, unready),
        *((("/metrics", health.metrics, {}),) if metrics else ()),
    ):
        routes.add_api_route(
            path,
            endpoint,
            methods=["GET", "HEAD"],
            response_class=Response,
            include_in_schema=False,
        )
        # for the document alone, where an operation is of one method
        routes.add_api_route(
            path, endpoint, methods=["GET"], response_class=Response, responses=more
        )
    return routes


def _json(body: Mapping[str, Any], status: int = 200) -> Response:
    headers = {"Cache-Control": "no-store"}
    extra = {"Retry-After": "1"} if status == 503 else {}
    return Response(orjson.dumps(body), status, {**headers, **extra}, "application/json")
