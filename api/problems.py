"""Faults as `application/problem+json` (RFC 9457): one table from exception to status."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import orjson
from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Scope

from api import trace
from api.faults import (
    BadParameter,
    Busy,
    Forbidden,
    KeysUnavailable,
    NotYet,
    RequestFault,
    TooMany,
    TooManyStreams,
    Unauthorized,
)
from clickhouse.errors import NOT_MIGRATED, EngineError, EngineUnavailable
from shopstream.limits import out_of_files

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
RETRY_SECONDS = 1


@dataclass(frozen=True, slots=True)
class Problem:
    """`kind` is the last part of the problem's type; `more` are its extension members."""

    status: int
    kind: str
    title: str
    detail: str
    more: Mapping[str, Any] | None = None
    headers: Mapping[str, str] | None = None

    def response(self, request_id: str | None = None) -> Response:
        """The answer; never to be stored by a cache."""
        body = {
            "type": f"urn:shopstream:problem:{self.kind}" if self.kind else "about:blank",
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            **(self.more or {}),
            **({"requestId": request_id} if request_id else {}),
        }
        headers = {"Cache-Control": "no-store", **(self.headers or {})}
        return Response(orjson.dumps(body), self.status, headers, MEDIA_TYPE)


def describe(fault: Exception) -> Problem:
    """The table. What it does not know is a 500 that tells nothing of the inside."""
    match fault:
        case BadParameter():
            more = {"parameter": fault.name, "rule": fault.rule}
            return Problem(400, "bad-parameter", "A parameter breaks its rule", str(fault), more)
        case Unauthorized():
            return Problem(
                401,
                "unauthorized",
                "A valid token is needed",
                str(fault),
                headers=_challenge(fault),
            )
        case Forbidden():
            return Problem(403, "forbidden", "The token does not allow this", str(fault))
        case TooMany():
            headers = {"Retry-After": str(fault.retry_after)}
            return Problem(429, "too-many", "Too many requests", str(fault), headers=headers)
        case TooManyStreams():
            headers = {"Retry-After": str(fault.retry_after)}
            return Problem(429, "too-many-streams", "Too many streams", str(fault), headers=headers)
        case KeysUnavailable():
            return _unavailable("keys-unavailable", "No keys", str(fault), fault.retry_after)
        case Busy():
            return _unavailable("busy", "Too much is under way", str(fault), fault.retry_after)
        case NotYet():
            return _unavailable("not-yet", "Not there yet", str(fault), fault.retry_after)
        case EngineUnavailable():
            detail = "The database does not answer; the request can be sent again."
            return _unavailable("database-unavailable", "The database does not answer", detail)
        case EngineError() if fault.code in NOT_MIGRATED:
            detail = "The database has not been migrated yet."
            return _unavailable("database-unavailable", "The database is not ready", detail)
        case HTTPException():
            return _plain(fault)
        case OSError() if out_of_files(fault):
            return _unavailable("busy", "Too much is under way", "This process has no file left.")
    detail = "Something went wrong here; the request was not at fault."
    return Problem(500, "internal", "Internal error", detail)


def install(app: FastAPI) -> None:
    """Every fault of every route becomes a problem."""

    async def answer(request: Request, fault: Exception) -> Response:
        return respond(request.scope, fault)

    # faults that are not in the table leave the routes: the middleware around them answers
    for kind in (RequestFault, EngineUnavailable, EngineError, HTTPException):
        app.add_exception_handler(kind, answer)


def respond(scope: Scope, fault: Exception) -> Response:
    """The answer to a request that met a fault; what is not in the table is logged."""
    problem, request = describe(fault), trace.of(scope).request
    if problem.status == 500:
        log.error("%s failed (request %s)", printable(scope["path"]), request, exc_info=fault)
    return problem.response(request)


def printable(path: str) -> str:
    """A path that may stand in a log line."""
    return path[:200].encode("unicode_escape").decode()


def _unavailable(kind: str, title: str, detail: str, seconds: int = RETRY_SECONDS) -> Problem:
    return Problem(503, kind, title, detail, headers={"Retry-After": str(seconds)})


def _challenge(fault: Unauthorized) -> dict[str, str]:
    """RFC 6750, section 3: no error code where the request had no token at all."""
    bare = 'Bearer realm="shopstream"'
    return {"WWW-Authenticate": f'{bare}, error="invalid_token"' if fault.token_given else bare}


def _plain(fault: HTTPException) -> Problem:
    title = HTTPStatus(fault.status_code).phrase
    details = {404: "There is nothing at this address.", 405: "This method is not served here."}
    detail = details.get(fault.status_code, str(fault.detail))
    return Problem(fault.status_code, "", title, detail, headers=fault.headers)
