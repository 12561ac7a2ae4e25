"""`POST /events`: from a request to records in Kafka, all of them or, where any event breaks a rule, none.

The steps: whose token it is, the body within its bounds, every event by the rules of the pipeline, the shops of the
events against those of the token, then Kafka.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, Protocol

import orjson
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from api.access import Access
from api.bodies import BodyMemory, Checks, read_body
from api.documents import EVENT, Accepted, responses
from api.faults import InvalidEvents
from api.freshness.topology import Topology
from api.ingest.content import CONTENT_TYPES, CheckedEvents, check_events
from api.ingest.idempotency import HEADER, IdempotencyKeys, read_key
from api.ingest.sender import EventWriter, Stored
from api.limits import EVENTS_BYTES
from api.parameters import openapi, read_query
from clickhouse.errors import EngineError, EngineUnavailable
from shopstream.contracts.cursor import Partition, Position, encode
from shopstream.contracts.envelope import BATCH
from shopstream.contracts.json_text import signs
from shopstream.contracts.order import StatusMaps
from shopstream.contracts.reject import Reason

PATH = "/events"
ASK_SECONDS = 2.0
"""An answer that says what is wrong waits no longer for an engine that does not."""
BIG_BYTES = 16 * 1024
BIG_SIGNS = 1_000
"""Commas and brackets: 16 KiB may be 5,000 events. A body with more of either is checked beside the event loop."""
MEMORY_BYTES = 64 * 1024 * 1024
"""Bodies of all requests in progress, as far as they have arrived."""
SHOP_BYTES = MEMORY_BYTES // 2
"""Of tokens that name the same shops, so that the others keep their room."""
REQUESTS_OF_USER = 8
"""In progress at once."""


class Counts(Protocol):
    """Counts events that were written, by topic, and events that break a rule."""

    def written_over_http(self, events: Mapping[str, int], /) -> None: ...

    def refused_over_http(self, reasons: Iterable[Reason], /) -> None: ...


class IngestRoutes:
    """`maps` has the words of shops for statuses in memory; `ask` reads those of some shops."""

    def __init__(
        self,
        access: Access,
        writer: EventWriter,
        counts: Counts,
        maps: Callable[[], StatusMaps],
        ask: Callable[[frozenset[str]], Awaitable[StatusMaps]],
        keys: IdempotencyKeys | None = None,
    ) -> None:
        self._access = access
        self._writer = writer
        self._counts = counts
        self._maps = maps
        self._ask = ask
        self._keys = keys or IdempotencyKeys()
        self._memory = BodyMemory(
            "Too many events are being written.", MEMORY_BYTES, SHOP_BYTES, REQUESTS_OF_USER
        )
        self._checks = Checks()

    async def write(self, request: Request) -> Response:
        """Checks events and writes them to Kafka.

        Raises:
            InvalidEvents: an event breaks a rule; nothing is written.
            Forbidden: the token does not write, or not for the shop of an event; nothing is written.
            RequestFault: the request, the token, or Kafka is at fault.
        """
        identity = self._access.writer(request)
        read_query(request.query_params, ())
        key = read_key(request.headers.get(HEADER))
        with self._memory.slot(identity.holder, frozenset(identity.shops)) as take:
            body = await read_body(request, take, EVENTS_BYTES)
            events = await self._checked(request, body, frozenset(identity.shops))
            self._access.require_shops(request, identity, events.shops)
            del body
            if key is None:
                content = await self._written(events)
            else:
                content = await self._keys.once(
                    identity.holder, key, events.digest, lambda: self._written(events)
                )
        return Response(content, 202, {"Cache-Control": "no-store"}, "application/json")

    async def _checked(self, request: Request, body: bytes, shops: frozenset[str]) -> CheckedEvents:
        headers = [(name.lower(), value) for name, value in request.headers.items()]
        big = len(body) > BIG_BYTES or signs(body) > BIG_SIGNS
        check = partial(check_events, headers, body)
        maps = self._maps()
        known = {shop: maps[shop] for shop in shops if shop in maps}
        try:
            try:
                return await self._checks.run(partial(check, known), big=big)
            except InvalidEvents as error:
                asked = await self._asked_maps(error, shops)
                if asked in (None, known):
                    raise
            return await self._checks.run(partial(check, asked), big=big)
        except InvalidEvents as error:
            first = {index: fault.reason for index, fault in reversed(error.faults)}
            self._counts.refused_over_http(first.values())
            raise

    async def _asked_maps(self, error: InvalidEvents, shops: frozenset[str]) -> StatusMaps | None:
        """The words of shops as they now stand, where a status is at fault; None where they cannot be read."""
        if any(fault.field == "data.status" for _, fault in error.faults):
            with suppress(EngineError, EngineUnavailable, TimeoutError):
                async with asyncio.timeout(ASK_SECONDS):
                    return await self._ask(shops)
        return None

    async def _written(self, events: CheckedEvents) -> bytes:
        stored, topology = await self._writer.write(events.records)
        self._counts.written_over_http(Counter(record.topic for record in stored))
        records = [record._asdict() for record in stored]
        return orjson.dumps({"records": records, "includes": includes(stored, topology)})

    def router(self) -> APIRouter:
        routes = APIRouter(tags=["events"])
        more = openapi(())
        more["parameters"] = [_KEY]
        more["requestBody"] = {"required": True, "content": _CONTENT, "description": _BODY}
        routes.add_api_route(
            PATH,
            self.write,
            methods=["POST"],
            response_class=Response,
            status_code=202,
            responses=responses({202: {"model": Accepted}}, 400, 401, 403, 413, 415, 422, 429, 503),
            openapi_extra=more,
            summary="Write events",
        )
        return routes


def includes(stored: Sequence[Stored], topology: Topology) -> str:
    """What the parameter `includes` of a report takes for all of these records."""
    if len(stored) == 1:
        return ":".join(map(str, stored[0]))
    ends: dict[Partition, Position] = {}
    for topic, partition, offset in stored:
        known = ends.get(Partition(topic, partition))
        if known is None or known.next <= offset:
            ends[Partition(topic, partition)] = Position(topology[topic].epoch, offset + 1)
    return encode(ends)


_BODY = (
    "One event in structured mode, or a batch of them; in binary mode the data of one, with the attributes in ce- "
    "headers. Every event keeps the JSON Schema of its type."
)
_KEY = {
    "name": HEADER,
    "in": "header",
    "required": False,
    "description": "The same key with the same events answers the same within a day, in the same process.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 128, "pattern": "^[ -~]+$"},
}
_EVENT = {"$ref": "#/components/schemas/CloudEvent"}
_CONTENT: dict[str, Any] = {
    name: {
        "schema": {"type": "array", "minItems": 1, "items": _EVENT} if name == BATCH else _EVENT,
        "example": [EVENT] if name == BATCH else EVENT,
    }
    for name in CONTENT_TYPES
}
