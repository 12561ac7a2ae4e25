"""`POST /events`: from a request to records in Kafka, all of them or, where any event breaks a rule, none.

The steps: whose token it is, the body within its bounds, every event by the rules of the pipeline, the shops of the
events against those of the token, then Kafka.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

import orjson
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from api.access import Access
from api.documents import EVENT, Accepted, responses
from api.faults import Busy, ContentTooLarge, InvalidEvents, NotYet
from api.freshness.topology import Topology
from api.identity import Identity
from api.ingest.content import CONTENT_TYPES, CheckedEvents, check_events
from api.ingest.idempotency import HEADER, IdempotencyKeys, read_key
from api.ingest.sender import Stored
from api.limits import EVENTS_BYTES
from api.parameters import openapi, read_query
from shopstream.contracts.cursor import Partition, Position, encode
from shopstream.contracts.envelope import BATCH
from shopstream.contracts.json_text import signs
from shopstream.contracts.order import NO_WORDS, StatusMaps
from shopstream.contracts.reject import Reason
from shopstream.contracts.routing import Record

PATH = "/events"
BIG_BYTES = 16 * 1024
BIG_SIGNS = 1_000
"""Commas and brackets: 16 KiB may be 5,000 events. A body with more of either is checked beside the event loop."""
CHECKS_AT_ONCE = 2
MEMORY_BYTES = 64 * 1024 * 1024
"""Bodies of all requests in progress, as far as they have arrived."""
SHOP_BYTES = MEMORY_BYTES // 2
"""Of tokens that name the same shops, so that the others keep their room."""
REQUESTS_OF_USER = 8
"""In progress at once."""


class Sends(Protocol):
    """Writes records to Kafka, or raises `NotYet`."""

    async def send(self, records: Sequence[Record], /) -> list[Stored]: ...


class Counts(Protocol):
    """Counts events that were written, by topic, and events that break a rule."""

    def written_over_http(self, events: Mapping[str, int], /) -> None: ...

    def refused_over_http(self, reasons: Iterable[Reason], /) -> None: ...


class IngestRoutes:
    """`unavailable` says why Kafka does not serve, None where it does; `topology` has the topics as they are now,
    `maps` the words of shops for statuses."""

    def __init__(
        self,
        access: Access,
        sender: Sends,
        unavailable: Callable[[], str | None],
        topology: Callable[[], Topology | None],
        counts: Counts,
        maps: Callable[[], StatusMaps] = lambda: NO_WORDS,
        keys: IdempotencyKeys | None = None,
    ) -> None:
        self._access = access
        self._sender = sender
        self._unavailable = unavailable
        self._topology = topology
        self._counts = counts
        self._maps = maps
        self._keys = keys or IdempotencyKeys()
        self._room = _Room(MEMORY_BYTES, SHOP_BYTES, REQUESTS_OF_USER)
        self._checking = asyncio.Semaphore(CHECKS_AT_ONCE)

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
        with self._room.of(identity) as room:
            body = await _body(request, room)
            events = await self._checked(request, body)
            self._access.require_shops(request, identity, events.shops)
            del body
            if key is None:
                content = await self._written(events)
            else:
                content = await self._keys.once(
                    identity.holder, key, events.digest, lambda: self._written(events)
                )
        return Response(content, 202, {"Cache-Control": "no-store"}, "application/json")

    async def _checked(self, request: Request, body: bytes) -> CheckedEvents:
        headers = [(name.lower(), value) for name, value in request.headers.items()]
        try:
            if len(body) <= BIG_BYTES and signs(body) <= BIG_SIGNS:
                return check_events(headers, body, self._maps())
            async with self._checking:
                return await asyncio.to_thread(check_events, headers, body, self._maps())
        except InvalidEvents as error:
            first = {index: fault.reason for index, fault in reversed(error.faults)}
            self._counts.refused_over_http(first.values())
            raise

    async def _written(self, events: CheckedEvents) -> bytes:
        topology = self._topology() or {}
        if (why := self._unavailable()) is not None:
            raise NotYet(why)
        for topic in {record.topic for record in events.records} - topology.keys():
            raise NotYet(f"The topic {topic} does not exist: `shopstream migrate` creates it.")
        stored = await self._sender.send(events.records)
        self._counts.written_over_http(Counter(record.topic for record in stored))
        records = [record._asdict() for record in stored]
        return orjson.dumps({"records": records, "includes": includes(stored, topology)})

    def router(self) -> APIRouter:
        """The route with its documentation."""
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


class _Room:
    """What the bodies of requests in progress take, and how many requests a user has."""

    def __init__(self, limit: int, share: int, requests: int) -> None:
        self._limit = limit
        self._share = share
        self._requests = requests
        self._taken = Counter[tuple[str, ...]]()
        self._users = Counter[bytes]()

    @contextmanager
    def of(self, identity: Identity) -> Iterator[Callable[[int], None]]:
        """Takes bytes of the room, which are given back when the block ends.

        Raises:
            Busy: the user has as many requests in progress as it may, or there is no room for the bytes.
        """
        user, shops = identity.holder, identity.shops
        if self._users[user] >= self._requests:
            raise Busy("Too many requests of this user are in progress.", 1)
        self._users[user] += 1
        own = 0

        def take(size: int) -> None:
            nonlocal own
            if self._taken[shops] + size > self._share or self._taken.total() + size > self._limit:
                raise Busy("Too many events are being written.", 1)
            own += size
            self._taken[shops] += size

        try:
            yield take
        finally:
            _give_back(self._taken, shops, own)
            _give_back(self._users, user, 1)


def _give_back(taken: Counter[Any], key: Hashable, count: int) -> None:
    taken[key] -= count
    if not taken[key]:
        del taken[key]


async def _body(request: Request, take: Callable[[int], None]) -> bytes:
    found = bytearray()
    async for part in request.stream():
        take(len(part))
        found += part
        if len(found) > EVENTS_BYTES:
            raise ContentTooLarge(f"A body has at most {EVENTS_BYTES} bytes.")
    return bytes(found)


class NoSender:
    """Where there is no Kafka to write to."""

    async def send(self, records: Sequence[Record]) -> list[Stored]:
        """Raises `NotYet`."""
        raise NotYet("This process writes no events.")


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
