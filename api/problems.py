"""Faults as `application/problem+json` (RFC 9457); `faults` has the table of their statuses and titles."""

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
from api.faults import Busy, DatabaseNotReady, DatabaseUnavailable, RequestFault
from clickhouse.errors import NOT_MIGRATED, EngineError, EngineUnavailable
from shopstream.limits import out_of_files

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"


@dataclass(frozen=True, slots=True)
class Problem:
    """`kind` is the last part of the problem's type; `more` are its extension members."""

    status: int
    kind: str
    title: str
    detail: str
    more: Mapping[str, Any] | None = None
    headers: Mapping[str, str] | None = None

    def body(self) -> dict[str, Any]:
        """The members of RFC 9457 in their order, then those of `more`."""
        return {
            "type": f"urn:shopstream:problem:{self.kind}" if self.kind else "about:blank",
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            **(self.more or {}),
        }

    def response(self, request_id: str | None = None) -> Response:
        """The answer; never to be stored by a cache."""
        body = {**self.body(), **({"requestId": request_id} if request_id else {})}
        headers = {"Cache-Control": "no-store", **(self.headers or {})}
        return Response(orjson.dumps(body), self.status, headers, MEDIA_TYPE)


def describe(fault: Exception) -> Problem:
    """The problem of a fault. What is not of the table is a 500 that tells nothing of the inside."""
    match fault:
        case RequestFault():
            found = fault
        case EngineUnavailable():
            found = DatabaseUnavailable(
                "The database does not answer; the request can be sent again."
            )
        case EngineError() if fault.code in NOT_MIGRATED:
            found = DatabaseNotReady("The database has not been migrated yet.")
        case HTTPException():
            return _plain(fault)
        case OSError() if out_of_files(fault):
            found = Busy("This process has no file left.", 1)
        case _:
            found = RequestFault("Something went wrong here; the request was not at fault.")
    return Problem(found.status, found.kind, found.title, str(found), found.more(), found.headers())


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


def _plain(fault: HTTPException) -> Problem:
    title = HTTPStatus(fault.status_code).phrase
    details = {404: "There is nothing at this address.", 405: "This method is not served here."}
    detail = details.get(fault.status_code, str(fault.detail))
    return Problem(fault.status_code, "", title, detail, headers=fault.headers)
