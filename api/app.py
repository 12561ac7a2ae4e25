"""The application of given parts; nothing here opens a connection or reads the environment."""

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version

from fastapi import FastAPI
from starlette.middleware import Middleware

from api import openapi, page, problems, trace
from api.access import Access
from api.concurrency import ConcurrencyLimit, Shares
from api.freshness import health
from api.freshness.source import Freshness
from api.freshness.topology import Look
from api.freshness.tracker import FreshnessTracker
from api.hooks.routes import HookRoutes
from api.hooks.secrets import Secrets
from api.ingest.routes import IngestRoutes
from api.ingest.sender import EventWriter, NoSender, Sends
from api.jwks import Jwks
from api.metrics import Metrics
from api.middleware import (
    AccessLogMiddleware,
    Cors,
    ErrorMiddleware,
    JwksMiddleware,
    LoadSheddingMiddleware,
)
from api.push.admission import Admission
from api.push.authorizer import StreamAuthorizer
from api.push.catch_up import CatchUps
from api.push.decisions import PipelineDecisions
from api.push.history import HistoryReader
from api.push.hub import Hub
from api.push.presence import Presence
from api.push.read_positions import Positions
from api.push.routes import PushRoutes
from api.push.socketio import ANONYMOUS, SocketIo
from api.push.stored_events import StoredEvents
from api.reports import read_your_writes
from api.reports.cache import ResponseCache
from api.reports.read_your_writes import Refusals
from api.reports.reader import Reader
from api.reports.routes import ReportRoutes
from api.reports.statements import Statements
from api.tickets import Tickets
from clickhouse.client import ClickHouseClient
from clickhouse.status_maps import status_maps
from shopstream.disk import Disk
from shopstream.settings import Settings

SHOPS_AT_LEAST = 10
"""Shops that share the slots of those that wait for `includes`: one has a tenth of them at most."""
ANONYMOUS_SHARE = 10
"""One stream in so many may be a session of Socket.IO without a token."""
_ABOUT = (
    "Exact sales reports, and the events of a shop as they arrive. "
    "Errors are application/problem+json (RFC 9457)."
)


@dataclass(frozen=True, slots=True)
class Deps:
    """What the application is made of. `kafka` says why Kafka does not serve, `look` asks it afresh; `keys` are those
    that `access` asks."""

    settings: Settings
    engine: ClickHouseClient
    access: Access
    tickets: Tickets
    tracker: FreshnessTracker
    hub: Hub
    kafka: Callable[[], str | None]
    look: Callable[[], Awaitable[Look]]
    presence: Presence = field(default_factory=lambda: Presence("alone"))
    keys: Jwks | None = None
    sender: Sends = field(default_factory=NoSender)
    hook_secrets: Secrets = field(default_factory=dict)
    refusals: Refusals | None = None
    disk: Disk | None = None
    restarts: Callable[[], Mapping[str, int]] = dict
    """Of the processes of `up`, beside which this one runs."""
    streams: int = 0
    """That this process may have open at once, 0 is no limit."""


def utc_now() -> datetime:
    return datetime.now(UTC)


def create_app(deps: Deps, now: Callable[[], datetime] = utc_now) -> FastAPI:
    """Every route, with its middleware and its faults. `app.state.sockets` are its sessions of Socket.IO,
    `app.state.refused_early` counts what the server refuses by itself."""
    metrics = Metrics()
    metrics.watch(deps.hub, deps.tracker, now, deps.disk, deps.restarts)
    app = FastAPI(
        title="shopstream",
        version=version("shopstream"),
        description=_ABOUT,
        redirect_slashes=False,
        middleware=_middleware(deps, metrics),
    )
    problems.install(app)
    checks = health.Health(
        deps.engine, deps.kafka, deps.tracker, metrics.registry, now, deps.keys, deps.disk
    )
    reports = _reports(deps, now)
    app.include_router(reports.router())
    push, app.state.sockets = _push(deps, now)
    app.router.routes.extend(push.router().routes)
    writer = EventWriter(deps.sender, deps.kafka, lambda: deps.tracker.topology)
    ask = partial(status_maps, deps.engine)
    ingest = IngestRoutes(deps.access, writer, metrics, lambda: deps.hub.words.maps, ask)
    app.include_router(ingest.router())
    # behind a proxy all senders have its address
    by_address = deps.settings.connections_per_address > 0
    hooks = HookRoutes(deps.hook_secrets, writer, metrics, lambda: now().timestamp(), by_address)
    app.include_router(hooks.router())
    app.include_router(health.router(checks, metrics=not deps.settings.metrics_port))
    app.state.metrics = metrics.registry
    app.state.refused_early = metrics.refused_early
    app.include_router(page.router())
    app.openapi = lambda: openapi.document(app)  # type: ignore[method-assign]
    return app


def _reports(deps: Deps, now: Callable[[], datetime]) -> ReportRoutes:
    known = _ReadableFreshness(deps)
    reader = Reader(Statements(deps.engine), now, known)
    return ReportRoutes(
        deps.access,
        reader,
        ResponseCache(known, now),
        deps.tracker,
        deps.look,
        known.wait_read,
        Shares(max(1, deps.settings.reports_at_once // SHOPS_AT_LEAST)),
        deps.refusals,
    )


def _push(deps: Deps, now: Callable[[], datetime]) -> tuple[PushRoutes, SocketIo]:
    def clock() -> float:
        return now().timestamp()

    settings, events = deps.settings, StoredEvents(deps.engine)
    deps.hub.observer = deps.presence
    deps.hub.replay.catch_up = CatchUps(deps.hub, events, deps.tracker.wait)
    deps.hub.delivery.decisions = PipelineDecisions(
        deps.hub.replay, events, deps.tracker.wait, deps.tracker.includes
    )
    admission = Admission(deps.streams, settings.streams_per_address, settings.streams_per_user)
    authorizer = StreamAuthorizer(
        deps.access,
        deps.tickets,
        deps.hub,
        admission,
        clock,
        frozenset(settings.origins),
        settings.stream_seconds,
    )
    sockets = SocketIo(
        deps.hub,
        authorizer.socketio,
        admission.connection,
        time.monotonic,
        min(ANONYMOUS, max(1, deps.streams // ANONYMOUS_SHARE)) if deps.streams else ANONYMOUS,
    )
    history = HistoryReader(deps.hub.read, events, deps.tracker, clock)
    routes = PushRoutes(
        authorizer,
        deps.tickets,
        sockets,
        history,
        deps.presence,
        cross_site=settings.cookie_cross_site,
    )
    return routes, sockets


class _ReadableFreshness:
    """What the pipeline said, as far as it can be read now."""

    def __init__(self, deps: Deps) -> None:
        self._deps = deps
        self.changed_days = deps.tracker.changed_days

    def freshness(self, shop: str) -> Freshness:
        return self._deps.tracker.freshness(shop, readable=self._deps.kafka() is None)

    async def wait_read(self, positions: Positions, seconds: float) -> bool:
        """Whether it has all been read, waiting so long; while nothing can be, nothing is cached either."""
        return self._deps.kafka() is not None or await self._deps.hub.read.wait(positions, seconds)


def _middleware(deps: Deps, metrics: Metrics) -> list[Middleware]:
    found = [Middleware(AccessLogMiddleware, metrics=metrics, logged=deps.settings.access_log)]
    if origins := deps.settings.origins:
        found.append(
            Middleware(
                Cors,
                allow_origins=list(origins),
                allow_methods=["GET", "POST"],
                allow_credentials=True,
                allow_headers=["Authorization", "If-None-Match", "Last-Event-ID", trace.HEADER],
                expose_headers=[
                    "ETag",
                    "Retry-After",
                    "WWW-Authenticate",
                    read_your_writes.HEADER,
                    trace.HEADER,
                ],
                max_age=600,
            )
        )
    limit, waiting = (
        ConcurrencyLimit(deps.settings.reports_at_once, patient=patient)
        for patient in (False, True)
    )
    return [
        *found,
        Middleware(ErrorMiddleware),
        Middleware(JwksMiddleware, access=deps.access),
        Middleware(LoadSheddingMiddleware, limit=limit, waiting=waiting),
    ]
