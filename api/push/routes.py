"""The endpoints of push: `GET /events`, `GET /ws`, `/socket.io`, `GET /events/history`, `POST /auth/ticket`.

Every one is authorized by `access`, and every stream comes from `StreamAuthorizer.subscription` (`authorizer.py`).
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import orjson
from fastapi import APIRouter
from starlette.requests import HTTPConnection, Request
from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from api import problems
from api.documents import History, Present, Responses, Ticket, responses
from api.faults import RequestFault, UpgradeRequired
from api.identity import Identity
from api.parameters import SHOP, Parameter, openapi, read_query
from api.push import ws_stream
from api.push.authorizer import StreamAuthorizer
from api.push.engine_io import BAD_REQUEST, MAX_PAYLOAD, BadHandshake, Handshake
from api.push.event_types import DEFAULT, read_types
from api.push.history import AFTER, LIMIT, HistoryReader, PagedResponse
from api.push.presence import Presence
from api.push.socketio import PATHS, SocketIo
from api.push.socketio_session import Session
from api.push.sse import EventStream
from api.push.subscriber import SubscriptionFilter
from api.push.subscription import Subscription
from api.push.takeover import noop, offered
from api.push.websocket import accept_key
from api.tickets import LIFETIME, Tickets

TYPES = Parameter(
    "types",
    "Event types with commas; by default all but storefront:visited.",
    read_types,
)
SINCE = Parameter("lastEventId", "A cursor to go on from, where the header cannot be sent.")
CURSOR = Parameter("cursor", "A cursor to go on from.")
TICKET = Parameter("ticket", "A one-time ticket of POST /auth/ticket, in place of the header.")
_STREAM = {
    "description": "Server-sent events; the first is stream:ready",
    "content": {"text/event-stream": {"schema": {"type": "string"}}},
}
_UPGRADED: dict[str, Any] = {"description": "A WebSocket; its first message is stream:ready"}
_EVENTS = (SHOP, TYPES, SINCE, TICKET)
_WS = (SHOP, TYPES, CURSOR, TICKET)
_HISTORY = (SHOP, TYPES, AFTER, LIMIT)
_ADDRESS_UNKNOWN = "unknown"
COOKIE_PATHS = ("/events", "/ws", "/socket.io")


class PushRoutes:
    """`tickets` issues what `authorizer` redeems; `cross_site` as the setting `cookie_cross_site`."""

    def __init__(
        self,
        authorizer: StreamAuthorizer,
        tickets: Tickets,
        sockets: SocketIo,
        history: HistoryReader,
        presence: Presence,
        *,
        cross_site: bool,
    ) -> None:
        self._presence = presence
        self._cross_site = cross_site
        self._authorizer = authorizer
        self._tickets = tickets
        self._sockets = sockets
        self._history = history

    async def events(self, request: Request) -> Response:
        """The events of a shop as they arrive."""
        identity, shop = await self._authorizer.authorize_subscriber(request)
        query = read_query(request.query_params, _EVENTS)
        since = request.headers.get("last-event-id") or query["lastEventId"]
        return EventStream(await self._subscribe(request, identity, shop, query["types"], since))

    async def websocket(self, request: Request) -> Response:
        """The events of a shop as messages of a WebSocket."""
        identity, shop = await self._authorizer.authorize_subscriber(request)
        query = read_query(request.query_params, _WS)
        accept, connection = accept_key(request.headers), offered(request.scope)
        if accept is None or connection is None:
            raise UpgradeRequired("This address speaks WebSocket (RFC 6455, version 13).")
        wanted = await self._subscribe(request, identity, shop, query["types"], query["cursor"])
        return ws_stream.Upgrade(accept, connection, ws_stream.begin(wanted), wanted.release)

    async def asgi_websocket(self, socket: WebSocket) -> None:
        """The same where the connection cannot be taken over."""
        try:
            identity, shop = await self._authorizer.authorize_subscriber(socket)
            query = read_query(socket.query_params, _WS)
            wanted = await self._subscribe(socket, identity, shop, query["types"], query["cursor"])
        except Exception as fault:
            await socket.send_denial_response(problems.respond(socket.scope, fault))
            return
        await ws_stream.serve(socket, wanted)

    async def socketio(self, request: Request) -> Response:
        """Socket.IO: polling, and the beginning of a WebSocket."""
        try:
            self._authorizer.check_origin(request)
            session = self._sockets.find(request.query_params)
            if request.query_params["transport"] == "websocket":
                return self._socketio_upgrade(request, session)
            if session is None:
                if request.method != "GET":
                    raise BadHandshake(BAD_REQUEST)
                return _engine_io(self._sockets.polling(_handshake(request)))
            if request.method == "GET":
                return _engine_io(await self._sockets.poll(session, _gone(request)))
            self._sockets.post(session, await _body(request))
            return Response(b"ok", 200, {"Cache-Control": "no-store"}, "text/html")
        except BadHandshake as bad:
            return Response(bad.body(), 400, {"Cache-Control": "no-store"}, "application/json")

    async def asgi_socketio(self, socket: WebSocket) -> None:
        """The WebSocket of Socket.IO where the connection cannot be taken over."""
        try:
            self._authorizer.check_origin(socket)
            session = self._sockets.find(socket.query_params)
            await self._sockets.serve(socket, session, _handshake(socket))
        except BadHandshake as bad:
            await socket.send_denial_response(Response(bad.body(), 400))
        except RequestFault as fault:
            await socket.send_denial_response(problems.respond(socket.scope, fault))

    async def history(self, request: Request) -> Response:
        """A page of the events of a shop that are past."""
        identity = self._authorizer.access.identify(request)
        shop = self._authorizer.access.readable_shop(request, identity)
        query = read_query(request.query_params, _HISTORY)
        wanted = SubscriptionFilter(identity.user, query["types"] or DEFAULT)
        with self._history.slot(shop) as slot:
            limit = query["limit"] or LIMIT.example
            body = await self._history.page(shop, wanted, query["after"], limit)
            return PagedResponse(body, slot.pop_all())

    async def presence(self, request: Request) -> Response:
        """Who is connected to the stream of a shop."""
        shop = self._authorizer.access.admin_shop(request)
        read_query(request.query_params, (SHOP,))
        body = orjson.dumps(self._presence.of(shop))
        return Response(body, 200, {"Cache-Control": "no-store"}, "application/json")

    async def ticket(self, request: Request) -> Response:
        """A one-time ticket for a client that cannot send headers."""
        identity = self._authorizer.access.identify(request)
        identity.require_reader()
        read_query(request.query_params, ())
        issued = self._tickets.issue(identity)
        body = {"ticket": issued.ticket, "expiresIn": LIFETIME}
        headers = {"Cache-Control": "no-store"}
        answer = Response(orjson.dumps(body), 200, headers, "application/json")
        name, value = issued.cookie
        for path in COOKIE_PATHS:
            answer.set_cookie(
                name,
                value,
                max_age=issued.seconds,
                path=path,
                secure=self._cross_site or request.url.scheme == "https",
                httponly=True,
                samesite="none" if self._cross_site else "strict",
            )
        return answer

    async def _subscribe(
        self,
        request: HTTPConnection,
        identity: Identity,
        shop: str,
        types: frozenset[str] | None,
        since: str | None,
    ) -> Subscription:
        release = self._authorizer.admission.connection(_address(request))
        return await self._authorizer.subscription(identity, shop, types, since, release)

    def _socketio_upgrade(self, request: Request, session: Session | None) -> Response:
        accept, connection = accept_key(request.headers), offered(request.scope)
        if accept is None or connection is None:
            raise BadHandshake(BAD_REQUEST)
        if session is not None:
            begin = self._sockets.upgrade(session)
            return ws_stream.Upgrade(accept, connection, begin, noop)
        handshake = _handshake(request)
        release = self._sockets.admit(handshake.address)
        begin = self._sockets.begin(handshake, release)
        return ws_stream.Upgrade(accept, connection, begin, release)

    def router(self) -> APIRouter:
        routes = APIRouter(tags=["push"])
        live, past = "Live events of a shop", "Past events of a shop"
        _add(routes, "/events", self.events, live, {200: _STREAM}, _EVENTS, 429, 503)
        pages: Responses = {200: {"model": History}}
        _add(routes, "/events/history", self.history, past, pages, _HISTORY, 503)
        live = f"{live} over a WebSocket"
        _add(routes, "/ws", self.websocket, live, {101: _UPGRADED}, _WS, 426, 429, 503)
        who, ticket = "Who is connected to the stream of a shop", "A one-time ticket for browsers"
        _add(routes, "/presence", self.presence, who, {200: {"model": Present}}, (SHOP,))
        _add(
            routes, "/auth/ticket", self.ticket, ticket, {200: {"model": Ticket}}, (), method="POST"
        )
        for path in PATHS:
            routes.routes.append(Route(path, self.socketio, methods=["GET", "POST"]))
            routes.routes.append(WebSocketRoute(path, self.asgi_socketio))
        routes.routes.append(WebSocketRoute("/ws", self.asgi_websocket))
        return routes


def _add(
    routes: APIRouter,
    path: str,
    endpoint: Callable[[Request], Awaitable[Response]],
    summary: str,
    found: Responses,
    query: Sequence[Parameter],
    *statuses: int,
    method: str = "GET",
) -> None:
    """A route as OpenAPI describes it: `found` are its good answers, `statuses` those of problems beside the usual."""
    routes.add_api_route(
        path,
        endpoint,
        methods=[method],
        response_class=Response,
        responses=responses(found, 400, 401, 403, *statuses),
        openapi_extra=openapi(query, ticket=TICKET in query),
        summary=summary,
    )


def _engine_io(body: bytes) -> Response:
    headers = {"Cache-Control": "no-store"}
    return Response(body, 200, headers, "text/plain; charset=UTF-8")


def _handshake(request: HTTPConnection) -> Handshake:
    authorization = request.headers.get("authorization")
    return Handshake(request.query_params, authorization, _address(request), request.cookies)


def _address(request: HTTPConnection) -> str:
    return request.client.host if request.client else _ADDRESS_UNKNOWN


async def _gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def _body(request: Request) -> bytes:
    found = bytearray()
    async for part in request.stream():
        found += part
        if len(found) > MAX_PAYLOAD:
            raise BadHandshake(BAD_REQUEST)
    return bytes(found)
