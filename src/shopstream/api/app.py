"""The application of given parts; nothing here opens a connection or reads the environment."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware

from shopstream.api import health, page, problems
from shopstream.api.access import Access
from shopstream.api.documents import ProblemDetails
from shopstream.api.metrics import Metrics
from shopstream.api.middleware import Observed
from shopstream.api.progress import ProgressBook
from shopstream.api.push.hub import Hub
from shopstream.api.push.routes import PushRoutes
from shopstream.api.reports.reader import Reports
from shopstream.api.reports.routes import ReportRoutes
from shopstream.api.tickets import Tickets
from shopstream.api.topology import Look
from shopstream.clickhouse.client import Engine

_ABOUT = (
    "Exact sales reports, and the events of a shop as they arrive. "
    "Errors are application/problem+json (RFC 9457)."
)


@dataclass(frozen=True, slots=True)
class Deps:
    """What the application is made of. `kafka` says why Kafka does not serve, `look` asks it afresh."""

    engine: Engine
    access: Access
    tickets: Tickets
    book: ProgressBook
    hub: Hub
    kafka: Callable[[], str | None]
    look: Callable[[], Awaitable[Look]]
    origins: Sequence[str]


def utc_now() -> datetime:
    """The clock of the process."""
    return datetime.now(UTC)


def create_app(deps: Deps, now: Callable[[], datetime] = utc_now) -> FastAPI:
    """Every route, with its middleware and its faults."""
    metrics = Metrics()
    metrics.watch(deps.hub, deps.book, now)
    app = FastAPI(
        title="shopstream",
        version=version("shopstream"),
        description=_ABOUT,
        redirect_slashes=False,
        middleware=_middleware(deps, metrics),
    )
    problems.install(app)
    checks = health.Health(deps.engine, deps.kafka, deps.book, metrics.registry, now)
    reports = Reports(deps.engine, now, lambda: None if deps.kafka() else deps.book.version())
    app.include_router(ReportRoutes(deps.access, reports, deps.book, deps.look).router())
    push = PushRoutes(deps.access, deps.tickets, deps.hub, lambda: now().timestamp())
    app.include_router(push.router())
    app.include_router(health.router(checks))
    app.include_router(page.router())
    app.openapi = lambda: _openapi(app)  # type: ignore[method-assign]
    return app


def _middleware(deps: Deps, metrics: Metrics) -> list[Middleware]:
    found = [Middleware(Observed, metrics=metrics)]
    if deps.origins:
        found.append(
            Middleware(
                CORSMiddleware,
                allow_origins=list(deps.origins),
                allow_methods=["GET", "POST"],
                allow_headers=["Authorization", "If-None-Match", "Last-Event-ID"],
                expose_headers=["ETag", "Retry-After", "WWW-Authenticate"],
                max_age=600,
            )
        )
    return found


def _openapi(app: FastAPI) -> dict[str, Any]:
    """The document, made once, with what the routes refer to."""
    if app.openapi_schema is None:
        document = get_openapi(
            title=app.title, version=app.version, description=app.description, routes=app.routes
        )
        components = document.setdefault("components", {})
        components["securitySchemes"] = {
            "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
            "ticket": {"type": "apiKey", "in": "query", "name": "ticket"},
        }
        components.setdefault("schemas", {})["ProblemDetails"] = ProblemDetails.model_json_schema()
        app.openapi_schema = document
    return app.openapi_schema
