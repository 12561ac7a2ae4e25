"""`GET /events`: the stream of a shop, and `POST /auth/ticket`: the browser's way in."""

import asyncio
from collections.abc import Callable

import orjson
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from shopstream.api.access import LEEWAY, Access
from shopstream.api.documents import Ticket, responses
from shopstream.api.faults import NotYet
from shopstream.api.parameters import SHOP, Parameter, openapi, read_query
from shopstream.api.push.hub import Hub
from shopstream.api.push.stream import EventStream
from shopstream.api.push.subscriber import Subscriber, Wish
from shopstream.api.push.types import DEFAULT, read_types
from shopstream.api.tickets import LIFETIME, Tickets

READY_SECONDS = 5.0

TYPES = Parameter(
    "types",
    "Event types with commas; by default all but storefront:visited.",
    read_types,
)
SINCE = Parameter("lastEventId", "A cursor to go on from, where the header cannot be sent.")
TICKET = Parameter("ticket", "A one-time ticket of POST /auth/ticket, in place of the header.")
_STREAM = {
    "description": "Server-sent events; the first is stream:ready",
    "content": {"text/event-stream": {"schema": {"type": "string"}}},
}
_EVENTS = (SHOP, TYPES, SINCE, TICKET)


class _Streaming(Response):
    """A response that is a stream."""

    def __init__(self, stream: EventStream) -> None:
        self.background = None
        self.status_code = 200
        self.stream = stream

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.stream(scope, receive, send)


class PushRoutes:
    """`now` is Unix time in seconds."""

    def __init__(
        self, access: Access, tickets: Tickets, hub: Hub, now: Callable[[], float]
    ) -> None:
        self._access = access
        self._tickets = tickets
        self._hub = hub
        self._now = now

    async def events(self, request: Request) -> Response:
        """The events of a shop as they arrive."""
        identity, shop = self._access.listener(request, self._tickets)
        query = read_query(request.query_params, _EVENTS)
        if not await self._hub.wait_ready(READY_SECONDS):
            raise NotYet("Kafka does not answer, so there is nothing to push yet.")
        since = request.headers.get("last-event-id") or query["lastEventId"] or None
        wish = Wish(identity.user, query["types"] or DEFAULT)
        left = identity.expires + LEEWAY - self._now()
        expires = asyncio.get_running_loop().time() + left
        return _Streaming(EventStream(self._hub, shop, Subscriber(wish), since, expires))

    async def ticket(self, request: Request) -> Response:
        """A one-time ticket for a client that cannot send headers."""
        identity = self._access.identify(request)
        read_query(request.query_params, ())
        body = {"ticket": self._tickets.issue(identity), "expiresIn": LIFETIME}
        headers = {"Cache-Control": "no-store"}
        return Response(orjson.dumps(body), 200, headers, "application/json")

    def router(self) -> APIRouter:
        """The routes with their documentation."""
        routes = APIRouter(tags=["push"])
        routes.add_api_route(
            "/events",
            self.events,
            methods=["GET"],
            response_class=Response,
            responses=responses({200: _STREAM}, 400, 401, 403, 503),
            openapi_extra=openapi(_EVENTS, ticket=True),
            summary="Live events of a shop",
        )
        routes.add_api_route(
            "/auth/ticket",
            self.ticket,
            methods=["POST"],
            response_class=Response,
            responses=responses({200: {"model": Ticket}}, 400, 401),
            openapi_extra=openapi(()),
            summary="A one-time ticket for browsers",
        )
        return routes
