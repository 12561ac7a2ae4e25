"""uvicorn, as this API needs it: streams say goodbye first, and know their transport."""

import asyncio
import contextlib
import os
import signal
import socket
from collections.abc import Callable, Iterator
from typing import Any

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from shopstream.api import trace
from shopstream.api.faults import Busy
from shopstream.api.problems import Problem, describe
from shopstream.api.push.takeover import TAKE_OVER, Owner, bound
from shopstream.api.push.websocket import MAX_MESSAGE

GRACE_SECONDS = 1
STALL_SECONDS = 30.0
"""A client that reads nothing for this long is cut off."""
HEAD_BYTES = 64 * 1024
"""Of the line and the headers of a request; the parser itself would take them without end."""
HEAD_SECONDS = 30.0
"""From the first byte, or from the connection, to the whole head."""
FILES_BESIDE = 256
"""Files that are no connections of clients: the engine's, Kafka's, and what a request opens for a moment."""
LEAST_CONNECTIONS = 16
SPARE = 64
"""Connections beyond the most that are heard before they are refused: an answer to what was not read may be lost."""
CROWDED_SECONDS = 2
_SIGNALS = (signal.SIGTERM, signal.SIGINT)


class PortInUse(Exception):
    """The address cannot be listened on; `str()` says which settings to change."""


class Protocol(HttpToolsProtocol):
    """HTTP with a head bounded in bytes and time, which leaves who does not read, and whose connection a response can
    take over: from then on it belongs to its owner, and nothing of the request is kept."""

    owner: Owner | None = None
    direct = True
    most: int | None = None
    """Connections that are served; more are answered by 503, so that there is a file left for each request."""

    _head: int | None = None
    """Bytes of a head that is not complete yet."""
    _late: asyncio.TimerHandle | None = None
    _stall: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begins."""
        super().connection_made(transport)
        self._expect()
        if self.most is not None and len(self.connections) > self.most + SPARE:
            self._refuse(_crowded())

    def on_message_begin(self) -> None:
        """Begins a request."""
        super().on_message_begin()
        self._head = 0
        self._expect()
        if self.direct and not self.pipeline:
            self.scope["extensions"] = {TAKE_OVER: self}  # type: ignore[dict-item]

    def on_headers_complete(self) -> None:
        """Ends the head."""
        self._head = None
        self._expected()
        app = self.app
        if self.most is not None and len(self.connections) > self.most:
            self.app = _answer_crowded
        super().on_headers_complete()
        self.app = app

    def switching(self) -> None:
        """The answer will be 101: it has no body, so no length of one either (RFC 9112, section 6.1)."""
        self.cycle.chunked_encoding = False

    def take_over(self, owner: Owner) -> None:
        """Gives the connection away, once the head of the answer has been sent."""
        self.owner = owner
        bound(self.transport)
        self.cycle.response_complete = True
        self.cycle.on_response = _nothing
        self._expected()
        self._unset_keepalive_if_required()
        self.pipeline.clear()
        self.flow.resume_reading()
        self.cycle = self.scope = self.headers = self.parser = None  # type: ignore[assignment]
        self.url = b""

    def data_received(self, data: bytes) -> None:
        """Takes a piece of a request; a head without end is a 400, and the connection is closed."""
        if self.owner is not None:
            self.owner.received(data)
            return
        super().data_received(data)
        if self._head is not None and not self.transport.is_closing():
            self._head += len(data)
            if self._head > HEAD_BYTES:
                self.send_400_response("The head of the request is too long.")

    def pause_writing(self) -> None:
        """The client does not read: it has so long to begin again."""
        super().pause_writing()
        self._reads()
        self._stall = self.loop.call_later(STALL_SECONDS, self.transport.abort)
        if self.owner is not None:
            self.flow.pause_reading()  # what it says may ask for answers
            self.owner.pause()

    def resume_writing(self) -> None:
        """It reads."""
        super().resume_writing()
        self._reads()
        if self.owner is not None:
            self.flow.resume_reading()
            self.owner.resume()

    def connection_lost(self, exc: Exception | None) -> None:
        """Ends."""
        self._reads()
        self._expected()
        super().connection_lost(exc)
        if self.owner is not None:
            self.owner.lost()

    def _unsupported_upgrade_warning(self) -> None:
        """Upgrades are answered by the routes; after any other answer than 101 the parser is of no use."""
        if self.cycle is not None:
            self.cycle.keep_alive = False

    def _expect(self) -> None:
        """A whole head, in time."""
        self._expected()
        self._late = self.loop.call_later(HEAD_SECONDS, self.transport.abort)

    def _expected(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None

    def _reads(self) -> None:
        if self._stall is not None:
            self._stall.cancel()
            self._stall = None

    def send_400_response(self, msg: str) -> None:
        """Answers what is no request with a problem under an id of its own, and closes."""
        self._refuse(Problem(400, "", "Bad Request", msg))

    def _refuse(self, problem: Problem) -> None:
        request = trace.Trace().request
        answer = problem.response(request)
        heads = [*answer.raw_headers, (trace.HEADER.lower().encode(), request.encode())]
        heads += [*self.server_state.default_headers, (b"connection", b"close")]
        lines = [b"%b: %b\r\n" % head for head in heads]
        line = STATUS_LINE[problem.status]
        self.transport.write(b"".join((line, *lines, b"\r\n", bytes(answer.body))))
        self.transport.close()


class PlainProtocol(Protocol):
    """Without takeover: streams are ordinary ASGI responses."""

    direct = False


class Server(uvicorn.Server):
    """`goodbye` is called before open connections are waited for."""

    def __init__(self, config: uvicorn.Config, goodbye: Callable[[], None]) -> None:
        super().__init__(config)
        self._goodbye = goodbye

    def stop(self) -> None:
        """Begins to end."""
        self.should_exit = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Ends within about `GRACE_SECONDS`, whatever is open."""
        self._goodbye()
        await super().shutdown(sockets)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Unlike uvicorn, does not raise the signal again: what was opened has to be closed first."""
        loop = asyncio.get_running_loop()
        try:
            for number in _SIGNALS:
                loop.add_signal_handler(number, self.handle_exit, number, None)
        except (ValueError, RuntimeError):  # not the main thread, which has no signals
            yield
            return
        try:
            yield
        finally:
            for number in _SIGNALS:
                loop.remove_signal_handler(number)


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes a free one.

    Raises:
        PortInUse: with a sentence that names the settings.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        raise PortInUse(
            f"SHOPSTREAM_PORT: cannot listen on {host}:{port} ({_reason(error)})"
        ) from error


def _nothing() -> None:
    pass


def connections_for(files: int) -> int:
    """How many a process may have that may have so many files open."""
    return max(LEAST_CONNECTIONS, files - FILES_BESIDE - SPARE)


def _crowded() -> Problem:
    return describe(Busy("This process has as many connections as it may have.", CROWDED_SECONDS))


async def _answer_crowded(scope: Scope, receive: Receive, send: Send) -> None:
    request = trace.begin(scope, None).request
    answer = _crowded().response(request)
    answer.headers["Connection"] = "close"
    answer.headers[trace.HEADER] = request
    await answer(scope, receive, send)


def _reason(error: OSError) -> str:
    return os.strerror(error.errno) if error.errno and error.errno > 0 else str(error)


def configure(
    app: ASGIApp, *, direct: bool = True, most: int | None = None, **more: Any
) -> uvicorn.Config:
    """How the application is served; `direct`: streams write to their connections themselves; `most` connections."""
    kind = Protocol if direct else PlainProtocol
    return uvicorn.Config(
        app,
        http=type(kind.__name__, (kind,), {"most": most}),
        ws="none" if direct else "websockets-sansio",
        ws_max_size=MAX_MESSAGE,
        ws_per_message_deflate=False,
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
        timeout_keep_alive=30,
        **more,
    )
