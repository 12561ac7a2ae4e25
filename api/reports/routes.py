"""`GET /reports/…` and `GET /stock`: from a request to its HTTP response with entity tag and compression."""

import gzip
import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import cramjam
import orjson
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from api.access import Access
from api.concurrency import Shares
from api.documents import responses
from api.freshness.topology import Look
from api.freshness.tracker import FreshnessTracker, RequiredPosition
from api.parameters import openapi, read_query
from api.reports import documents
from api.reports.cache import CachedResponse, ResponseCache
from api.reports.endpoints import REPORTS, STOCK, Endpoint
from api.reports.read_your_writes import HEADER, Read, Refusals, wait_included
from api.reports.reader import Content, Reader

CODINGS: dict[str, Callable[[bytes], bytes]] = {
    "zstd": lambda content: bytes(cramjam.zstd.compress(content, level=3)),
    "br": lambda content: bytes(cramjam.brotli.compress(content, level=4)),
    "gzip": lambda content: gzip.compress(content, compresslevel=4, mtime=0),
}
"""By the name in `Content-Encoding`; of those with the same weight the first is taken."""
COMPRESS_FROM = 512
"""Bytes; below it compression costs more than it saves."""
_HEADERS = {"Cache-Control": "private, no-cache", "Vary": "Accept-Encoding, Authorization"}
_WEIGHT = re.compile(r"q=(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)", re.ASCII | re.IGNORECASE)


class ReportRoutes:
    """`look` asks the broker for its topics as they are now, `read` waits until they are read so far; who waits for a
    position has one of `shares`."""

    def __init__(
        self,
        access: Access,
        reader: Reader,
        cache: ResponseCache[Content],
        tracker: FreshnessTracker,
        look: Callable[[], Awaitable[Look]],
        read: Read,
        shares: Shares,
        refusals: Refusals | None = None,
    ) -> None:
        self._refusals = refusals
        self._access = access
        self._reader = reader
        self._cache = cache
        self._tracker = tracker
        self._look = look
        self._read = read
        self._shares = shares

    async def serve(self, endpoint: Endpoint, request: Request) -> Response:
        """The response to a request, or 304 where the client has it already.

        Raises:
            RequestFault: a parameter, the token or the position in `includes` is at fault.
            EngineUnavailable, EngineError: as the engine.
        """
        shop = self._access.admin_shop(request)
        params = read_query(request.query_params, endpoint.parameters)
        question = endpoint.read(params)
        if params["includes"] is not None:
            return await self._including(params["includes"], endpoint, request, shop, question)
        return respond(request, await self._cached(endpoint, shop, question))

    async def _including(
        self,
        positions: list[RequiredPosition],
        endpoint: Endpoint,
        request: Request,
        shop: str,
        question: Any,
    ) -> Response:
        with self._shares.slot(shop):
            await wait_included(self._tracker, positions, self._look, self._read)
            refused = await self._refusals.reason(shop, positions) if self._refusals else None
            cached = await self._cached(endpoint, shop, question, exact=True)
            response = respond(request, cached)
        if refused is not None:
            response.headers[HEADER] = refused.value
        return response

    async def _cached(
        self, endpoint: Endpoint, shop: str, question: Any, *, exact: bool = False
    ) -> CachedResponse[Content]:
        # no notice reports that a level changed, so only the progress of the pipeline can be trusted
        stock = endpoint is STOCK
        make = self._reader.stock if stock else self._reader.report
        return await self._cache.response(
            shop, question, lambda: make(shop, question), exact=exact or stock
        )

    def router(self) -> APIRouter:
        """The routes with their documentation."""
        routes = APIRouter()
        for endpoint in (*REPORTS, STOCK):
            self._add(routes, endpoint)
        return routes

    def _add(self, routes: APIRouter, endpoint: Endpoint) -> None:
        async def serve(request: Request) -> Response:
            return await self.serve(endpoint, request)

        routes.add_api_route(
            endpoint.path,
            serve,
            methods=["GET"],
            response_class=Response,
            responses=responses(documents.good(endpoint.body), 400, 401, 403, 503),
            openapi_extra=openapi(endpoint.parameters),
            summary=endpoint.summary,
            name=endpoint.path.rpartition("/")[2],
            tags=[endpoint.path.split("/")[1]],
        )


def respond(request: Request, cached: CachedResponse[Content]) -> Response:
    """The response with `asOf`, or 304 where the client has it already (RFC 9110, section 13.1.2)."""
    body, tag = cached.value
    headers = {**_HEADERS, "ETag": tag}
    if _matches(request.headers.get("if-none-match"), tag):
        return Response(status_code=304, headers=headers)
    body = body[:-1] + b',"asOf":' + orjson.dumps(_text(cached.as_of)) + b"}"
    coding = choose_coding(request.headers.get("accept-encoding", ""))
    if coding is not None and len(body) >= COMPRESS_FROM:
        body = CODINGS[coding](body)
        headers["Content-Encoding"] = coding
    return Response(body, 200, headers, "application/json")


def choose_coding(accepted: str) -> str | None:
    """The coding for an `Accept-Encoding` (RFC 9110, section 12.5.3); None for none."""
    weights = dict(map(_weight, accepted.split(",")))
    weights["gzip"] = weights.get("gzip", weights.get("x-gzip", weights.get("*", 0.0)))
    liked = {coding: weights.get(coding, weights.get("*", 0.0)) for coding in CODINGS}
    best = max(CODINGS, key=lambda coding: liked[coding])
    return best if liked[best] > 0 else None


def _weight(part: str) -> tuple[str, float]:
    """A coding and its weight; a weight that cannot be read counts as 1."""
    coding, _, parameter = part.partition(";")
    found = _WEIGHT.fullmatch(parameter.replace(" ", "").replace("\t", ""))
    return coding.strip().lower(), float(found[1]) if found else 1.0


def _matches(given: str | None, tag: str) -> bool:
    """Weak comparison; a star matches whatever there is."""
    if given is None:
        return False
    tags = [part.strip().removeprefix("W/") for part in given.split(",")]
    return tag in tags or tags == ["*"]


def _text(instant: datetime | None) -> str | None:
    if instant is None:
        return None
    text = instant.astimezone(UTC).isoformat(timespec="microseconds")
    return text.replace("+00:00", "Z")
