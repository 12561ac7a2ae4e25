"""The server by itself, on a socket of its own."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from api import http_protocol
from api.metrics import Metrics
from api.push import hub
from api.push.sse import EventStream
from api.push.subscriber import SubscriptionFilter
from api.push.subscription import Subscription
from api.push.takeover import TAKE_OVER
from api.server import Server, configure, listen
from provider.apps import Counting, application

REQUESTS = 200


@asynccontextmanager
async def serving(app: Any = None, **how: Any) -> AsyncIterator[tuple[socket.socket, Server]]:
    """A client's connection, with a small buffer, and the server."""
    listener = listen("127.0.0.1", 0)
    there = Server(configure(app or application(Counting()), **how), lambda: None)
    task = asyncio.create_task(there.serve([listener]))
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.setblocking(False)
        await asyncio.get_running_loop().sock_connect(client, listener.getsockname())
        yield client, there
    there.stop()
    await asyncio.wait_for(task, 10)


async def test_a_client_that_does_not_read_its_answers_is_cut_off(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(http_protocol, "STALL_SECONDS", 0.2)
    monkeypatch.setattr(http_protocol, "PIPELINED", REQUESTS)
    async with serving() as (client, there):
        asked = b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n" * REQUESTS
        await asyncio.get_running_loop().sock_sendall(client, asked)
        async with asyncio.timeout(20):
            while not there.server_state.connections:
                await asyncio.sleep(0.01)
            while there.server_state.connections:
                await asyncio.sleep(0.05)
        assert await _answers(client) < REQUESTS


async def test_a_client_that_reads_slowly_gets_all_of_a_long_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(http_protocol, "STALL_SECONDS", 1)
    size = 8 * 1024 * 1024

    async def app(scope: Any, receive: Any, send: Any) -> None:
        head = [(b"content-length", b"%d" % size)]
        await send({"type": "http.response.start", "status": 200, "headers": head})
        await send({"type": "http.response.body", "body": bytes(size)})

    async with serving(app) as (client, _):
        loop, got = asyncio.get_running_loop(), 0
        await loop.sock_sendall(client, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        while got < size:
            piece = await asyncio.wait_for(loop.sock_recv(client, 1 << 16), 5)
            assert piece, f"cut off after {got} bytes"
            got += len(piece)
            await asyncio.sleep(len(piece) / 3e6)


@pytest.mark.parametrize("begun", [b"", b"GET /health HT", b"GET /health HTTP/1.1\r\nHost: x\r\n"])
async def test_a_request_that_is_never_whole_is_cut_off(
    monkeypatch: pytest.MonkeyPatch, begun: bytes
) -> None:
    monkeypatch.setattr(http_protocol, "REQUEST_SECONDS", 0.2)
    async with serving() as (client, _):
        await asyncio.get_running_loop().sock_sendall(client, begun)
        assert await asyncio.wait_for(_answers(client), 5) == 0


async def test_a_connection_that_is_kept_serves_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_protocol, "REQUEST_SECONDS", 0.2)
    async with serving() as (client, _):
        for _ in range(2):
            asked = b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n"
            await asyncio.get_running_loop().sock_sendall(client, asked)
            answer = await asyncio.get_running_loop().sock_recv(client, 1 << 16)
            assert answer.startswith(b"HTTP/1.1 200")
            await asyncio.sleep(0.5)


async def test_an_answer_behind_another_one_takes_as_long_as_it_takes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(http_protocol, "IDLE_SECONDS", 0.2)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await asyncio.sleep(0.6)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body"})

    async with serving(app) as (client, _):
        asked = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" * 2
        await asyncio.get_running_loop().sock_sendall(client, asked)
        assert await asyncio.wait_for(_answers(client), 5) == 2


async def test_a_head_that_begins_behind_a_long_body_is_not_too_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(http_protocol, "IDLE_SECONDS", 0.2)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body"})

    async with serving(app) as (client, there):
        async with asyncio.timeout(5):
            while not there.server_state.connections:
                await asyncio.sleep(0.01)
        (connection,) = there.server_state.connections
        head = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n"
        connection.data_received(head + bytes(100_000) + b"GET / HTTP/1.1\r\nHo")
        connection.data_received(b"st: x\r\n\r\n")
        assert await asyncio.wait_for(_answers(client), 5) == 2


@pytest.mark.parametrize("direct", [True, False])
@pytest.mark.parametrize("at", [-5, 0, 1000, 60_000])
async def test_a_body_comes_whole_where_the_client_would_rather_speak_http_2(
    direct: bool, at: int
) -> None:
    """As Java's client asks by default, with each request that it begins a connection with."""
    seen: list[tuple[int, dict[bytes, bytes]]] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        size, more = 0, True
        while more:
            message = await receive()
            size, more = size + len(message["body"]), message["more_body"]
        seen.append((size, dict(scope["headers"])))
        head = [(b"content-length", b"0")]
        await send({"type": "http.response.start", "status": 200, "headers": head})
        await send({"type": "http.response.body"})

    offer = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAEAAEAA\r\n"
    asked = b"POST /events HTTP/1.1\r\nHost: x\r\n" + offer + b"Content-Length: 70000\r\n\r\n"
    sent = asked + bytes(70_000)
    async with serving(app, direct=direct) as (client, _):
        loop = asyncio.get_running_loop()
        for piece in (
            sent[: len(asked) + at],
            sent[len(asked) + at :],
            b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        ):
            await loop.sock_sendall(client, piece)
            await asyncio.sleep(0.05)
        async with asyncio.timeout(5):
            while len(seen) < 2:
                await asyncio.sleep(0.01)
    assert [size for size, _ in seen] == [70_000, 0]
    assert seen[0][1] == {b"host": b"x", b"connection": b"", b"content-length": b"70000"}


async def _answers(client: socket.socket) -> int:
    """How many began before the end."""
    found = b""
    try:
        while piece := await asyncio.get_running_loop().sock_recv(client, 1 << 16):
            found += piece
    except ConnectionResetError:
        pass
    return found.count(b"HTTP/1.1 200")


class Echo:
    """Owns a connection, and answers all that its client says."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self.most = 0

    def received(self, data: bytes) -> None:
        self._transport.write(data)
        self.most = max(self.most, self._transport.get_write_buffer_size())

    def pause(self) -> None: ...

    def resume(self) -> None: ...

    def lost(self) -> None: ...


async def test_a_client_that_does_not_read_its_goodbye_is_cut_off(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(hub, "GOODBYE_SECONDS", 0.2)
    streams = hub.Hub(lambda: 0)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        wanted = SubscriptionFilter("u1", frozenset())
        inf = float("inf")
        granted = Subscription(streams, "s1", wanted, None, inf, inf, lambda: None)
        await EventStream(granted)(scope, receive, send)

    async with serving(app) as (client, there):
        loop = asyncio.get_running_loop()
        await loop.sock_sendall(client, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        await loop.sock_recv(client, 1 << 16)
        (subscriber,) = streams.subscribers()
        subscriber.outlet.write(b"x" * 60_000)  # not so much that it counts as one that stalls
        assert subscriber.paused is None
        streams.end(subscriber, "expired")
        async with asyncio.timeout(5):
            while there.server_state.connections:
                await asyncio.sleep(0.05)


async def test_a_client_that_does_not_read_is_not_listened_to() -> None:
    owners: list[Echo] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        connection = scope["extensions"][TAKE_OVER]
        owners.append(Echo(connection.transport))
        connection.take_over(owners[0])

    async with serving(app) as (client, _):
        loop, sent, said = asyncio.get_running_loop(), b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", 0
        await loop.sock_sendall(client, sent)
        await loop.sock_recv(client, 1 << 16)
        with contextlib.suppress(TimeoutError):
            while said < 50_000_000:
                await asyncio.wait_for(loop.sock_sendall(client, b"x" * 100_000), 1)
                said += 100_000
        assert owners[0].most < 1_000_000
        heard = 0
        async with asyncio.timeout(10):
            while heard < said:
                heard += len(await loop.sock_recv(client, 1 << 16))


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"no HTTP at all\r\n\r\n", 400),
        (b"GET /" + b"x" * 50_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 414),
        (b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 200 + b"\r\n", 431),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1\r\nx\r\n" * 2500, 413),
    ],
)
async def test_what_the_server_refuses_by_itself_is_counted(
    request_bytes: bytes, status: int
) -> None:
    metrics = Metrics()
    async with serving(refused=metrics.refused_early) as (client, _):
        await _sent_and_closed(client, request_bytes)
    assert _refused(metrics, status) == 1


async def test_connections_beyond_those_of_an_address_are_counted() -> None:
    metrics = Metrics()
    async with serving(refused=metrics.refused_early, per_address=1) as (client, _):
        with socket.socket() as other:
            other.setblocking(False)
            await asyncio.get_running_loop().sock_connect(other, client.getpeername())
            await _sent_and_closed(other, b"")
    assert _refused(metrics, 503) == 1


async def _sent_and_closed(client: socket.socket, data: bytes) -> None:
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(10):
        with contextlib.suppress(ConnectionError):
            await loop.sock_sendall(client, data)
            while await loop.sock_recv(client, 65536):
                pass


def _refused(metrics: Metrics, status: int) -> float | None:
    name = "shopstream_http_early_refusals_total"
    return metrics.registry.get_sample_value(name, {"status": str(status)})
