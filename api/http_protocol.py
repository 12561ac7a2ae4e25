"""HTTP of uvicorn with bounds, whose connection a response can take over."""

import asyncio
from collections.abc import Callable
from typing import Any, NoReturn

import httptools
import uvicorn
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import (
    STATUS_LINE,
    HttpToolsProtocol,
    RequestResponseCycle,
)

from api import trace
from api.faults import Busy
from api.limits import (
    FULL,
    HEAD_BYTES,
    HEADERS,
    NO_REQUEST,
    PIECE_BYTES,
    PIPELINED,
    TOO_LONG_HEAD,
    TOO_MANY_HEADERS,
    Connections,
    body_bytes,
    counted_bytes,
    plain_cookies,
    too_long_body,
    too_much,
)
from api.problems import Problem, describe
from api.push.takeover import STALL_SECONDS, TAKE_OVER, Owner, bound, noop

REQUEST_SECONDS = 30.0
"""From the first byte, or from the connection, to the whole request."""
IDLE_SECONDS = 30.0
"""From one request to the next."""
STALL_BYTES = 64 * 1024
"""Of what waits for a client that reads slowly, so much within `STALL_SECONDS`."""
SPARE = 64
"""Connections beyond the most that are heard before they are refused: an answer to what was not read may be lost."""
CROWDED_SECONDS = 2


_OFFER = frozenset((b"upgrade", b"http2-settings"))
"""Headers, and what `Connection` says of them."""


class Config(uvicorn.Config):
    """`connections` counts those of each address; of all addresses so many are served as `most`, more are answered by
    503, so that there is a file left for each request."""

    connections = Connections(0)
    most: int | None = None
    refused: Callable[[int], None] | None = None
    """Told the status of each refusal that the application does not see."""


class Protocol(HttpToolsProtocol):
    """HTTP with every request bounded in bytes and time, which leaves who does not read, and whose connection a
    response can take over: from then on it belongs to its owner, and nothing of the request is kept.

    What is too much ends the connection: with a problem where no other answer is owed, else after those that are.
    """

    config: Config
    owner: Owner | None = None
    direct = True

    _head: int | None = None
    """Bytes of a head that is not complete yet; without those of a piece that it begins in behind another request."""
    _ended = 0
    """Requests that have come whole."""
    _body = 0
    _body_limit = 0
    _serving: RequestResponseCycle | None = None
    """The cycle of the request that is answered now; `cycle` is that of the latest, which may wait behind it."""
    _problem: Problem | None = None
    """Why a callback of the parser stopped it."""
    _deaf = False
    """Nothing more is read."""
    _address: str | None = None
    """The address that it is counted under."""
    _late: asyncio.TimerHandle | None = None
    _stall: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begins, if its address may have another one."""
        super().connection_made(transport)
        address = self.client[0] if self.client else ""
        if not self.config.connections.enter(address):
            self._deaf = True
            self._send(FULL)
            return
        self._address = address
        if self._crowd > SPARE:
            self._deaf = True
            self._send(_crowded())
            return
        self._expect(REQUEST_SECONDS)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._head = self._body = 0
        self._expect(REQUEST_SECONDS)
        if self.direct and not self.pipeline:
            self.scope["extensions"] = {TAKE_OVER: self}  # type: ignore[dict-item]

    def on_header(self, name: bytes, value: bytes) -> None:
        """Takes a header, or a trailer."""
        if len(self.headers) >= HEADERS:
            self._stop(TOO_MANY_HEADERS)
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Ends the head: what it costs to look into it is known before it is looked into."""
        if problem := too_much(self.url, self.headers):
            self._stop(problem)
        if len(self.pipeline) >= PIPELINED:
            self._stop(NO_REQUEST)
        if self._offers_other:
            return  # it begins again without the offer
        self._head = None
        self.headers[:] = [
            (name, plain_cookies(value) if name == b"cookie" else value)
            for name, value in self.headers
        ]
        app = self.app
        if self._crowd > 0:
            self.app = _answer_crowded
            self._count(_crowded())
        super().on_headers_complete()
        self.app = app
        # without a path where the connection becomes a WebSocket of its own protocol
        self._body_limit = body_bytes(self.parser.get_method(), self.scope.get("path", ""))

    def on_body(self, body: bytes) -> None:
        self._body += len(body) + PIECE_BYTES
        if self._body > counted_bytes(self._body_limit):
            self._stop(too_long_body(self._body_limit))
        super().on_body(body)

    def on_message_complete(self) -> None:
        if self._offers_other:
            return
        self._ended += 1
        self._expected()
        super().on_message_complete()
        if self.cycle is not None and self.cycle.response_complete:
            self._rest()

    def on_response_complete(self) -> None:
        """Ends an answer; the rest of its request is still waited for."""
        super().on_response_complete()
        self._unset_keepalive_if_required()  # any byte would end that
        answered = self.cycle is not None and self.cycle.response_complete  # the latest request
        if self._late is None and answered and not self.transport.is_closing():
            self._rest()

    @property
    def _crowd(self) -> int:
        """Connections beyond the most."""
        most = self.config.most
        return 0 if most is None else len(self.connections) - most

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._serving = cycle
        super()._start_asgi_task(cycle, app)

    def switching(self) -> None:
        """The answer will be 101: it has no body, so no length of one either (RFC 9112, section 6.1)."""
        if self._serving is not None:
            self._serving.chunked_encoding = False

    def take_over(self, owner: Owner) -> None:
        """Gives the connection away, once the head of the answer has been sent; requests behind it are forgotten."""
        self.owner = owner
        bound(self.transport)
        if self._serving is not None:
            self._serving.response_complete = True
            self._serving.on_response = noop
        self._expected()
        self._unset_keepalive_if_required()
        self.pipeline.clear()
        self.flow.resume_reading()
        self.cycle = self.scope = self.headers = self.parser = None  # type: ignore[assignment]
        self._serving = None
        self.url = b""

    def data_received(self, data: bytes) -> None:
        """Takes a piece of a request; a head without end is a 400, and the connection is closed."""
        if self.owner is not None:
            self.owner.received(data)
            return
        if self._deaf:
            return
        ended = self._ended
        self._feed(data)
        if self._head is not None and not self._deaf and not self.transport.is_closing():
            self._head += len(data) if self._ended == ended else 0
            if self._head > HEAD_BYTES:
                self._refuse(TOO_LONG_HEAD)

    def _feed(self, data: bytes) -> None:
        """As uvicorn does, without a line in the log for each client that writes no HTTP."""
        self._unset_keepalive_if_required()
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserError:
            self._refuse(self._problem or NO_REQUEST)
        except httptools.HttpParserUpgrade as upgrade:
            if self._offers_other:
                self._decline(data[upgrade.args[0] :])
            elif self._should_upgrade():
                self.handle_websocket_upgrade()
            elif self.cycle is not None:
                # the routes answer it; after any other answer than 101 the parser is of no use
                self.cycle.keep_alive = False

    @property
    def _offers_other(self) -> bool:
        """Whether the client would go on with another protocol than WebSocket, such as HTTP/2."""
        return (
            self.parser.should_upgrade()
            and self.parser.get_method() != b"CONNECT"
            and (b"upgrade", b"websocket") not in ((n, v.lower()) for n, v in self.headers)
        )

    def _decline(self, rest: bytes) -> None:
        """Takes the request as one without the offer (RFC 9110, section 7.8): the parser would pass over its body."""
        version = self.parser.get_http_version().encode()
        lines = [b"%b %b HTTP/%b" % (self.parser.get_method(), self.url, version)]
        for name, value in self.headers:
            if name == b"connection":
                kept = (one for one in value.split(b",") if one.strip().lower() not in _OFFER)
                value = b",".join(kept)
            if name not in _OFFER:
                lines.append(b"%b: %b" % (name, value))
        self.parser = httptools.HttpRequestParser(self)
        self._feed(b"\r\n".join((*lines, b"", b"")) + rest)

    def handle_websocket_upgrade(self) -> None:
        """Gives the connection to a protocol of its own, which counts its streams."""
        self._expected()
        self._leave()
        super().handle_websocket_upgrade()

    def pause_writing(self) -> None:
        """The client does not read: it has so long to begin again."""
        super().pause_writing()
        self._watch()
        if self.owner is not None:
            self.flow.pause_reading()  # what it says may ask for answers
            self.owner.pause()

    def resume_writing(self) -> None:
        """The write buffer has drained: the client reads."""
        super().resume_writing()
        self._reads()
        if self.owner is not None:
            self.flow.resume_reading()
            self.owner.resume()

    def connection_lost(self, exc: Exception | None) -> None:
        """Releases what the connection holds, and tells its owner."""
        self._reads()
        self._expected()
        self._leave()
        self.pipeline.clear()
        if self._serving is not None and not self._serving.response_complete:
            self._serving.disconnected = True
            self._serving.message_event.set()
        super().connection_lost(exc)
        if self.owner is not None:
            self.owner.lost()

    def _expect(self, seconds: float) -> None:
        """What the client has to send next, in time."""
        self._expected()
        self._late = self.loop.call_later(seconds, self.transport.abort)

    def _rest(self) -> None:
        """Nothing is owed: the next request begins in time, or the connection is closed."""
        self._expected()
        self._late = self.loop.call_later(IDLE_SECONDS, self.transport.close)

    def _expected(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None

    def _reads(self) -> None:
        if self._stall is not None:
            self._stall.cancel()
            self._stall = None

    def _watch(self) -> None:
        """Looks in a while how much the client has read."""
        self._reads()
        left = self.transport.get_write_buffer_size()
        self._stall = self.loop.call_later(STALL_SECONDS, self._stalled, left)

    def _stalled(self, before: int) -> None:
        if before - self.transport.get_write_buffer_size() < STALL_BYTES:
            self.transport.abort()
        else:
            self._watch()

    def _leave(self) -> None:
        if self._address is not None:
            self.config.connections.leave(self._address)
            self._address = None

    def _stop(self, problem: Problem) -> NoReturn:
        """Stops the parser, and tells `_feed` why."""
        self._problem = problem
        raise ValueError(problem.detail)

    def _refuse(self, problem: Problem) -> None:
        """Ends what cannot be read on."""
        self._deaf = True
        self._expected()
        serving, within_body = self._serving, self._head is None
        owed = serving is not None and not serving.response_complete
        if owed and not within_body:
            self.cycle.keep_alive = False  # what came before is answered first
        elif within_body and (serving is not self.cycle or _begun(serving)):
            self.transport.abort()
        else:
            if owed:
                self.cycle.disconnected = True
            self._send(problem)

    def _count(self, problem: Problem) -> None:
        if self.config.refused is not None:
            self.config.refused(problem.status)

    def _send(self, problem: Problem) -> None:
        """Answers with a problem under an id of its own, and closes."""
        self._count(problem)
        request = trace.Trace().request
        answer = problem.response(request)
        heads = [*answer.raw_headers, (trace.HEADER.lower().encode(), request.encode())]
        heads += [*self.server_state.default_headers, (b"connection", b"close")]
        lines = [b"%b: %b\r\n" % head for head in heads]
        status = STATUS_LINE[problem.status]
        self.transport.write(b"".join((status, *lines, b"\r\n", bytes(answer.body))))
        self.transport.close()


class PlainProtocol(Protocol):
    """Without takeover: streams are ordinary ASGI responses."""

    direct = False


def _begun(cycle: RequestResponseCycle | None) -> bool:
    return cycle is not None and cycle.response_started


def _crowded() -> Problem:
    return describe(Busy("This process has as many connections as it may have.", CROWDED_SECONDS))


async def _answer_crowded(scope: Scope, receive: Receive, send: Send) -> None:
    request = trace.begin(scope, None).request
    answer = _crowded().response(request)
    answer.headers["Connection"] = "close"
    answer.headers[trace.HEADER] = request
    await answer(scope, receive, send)
