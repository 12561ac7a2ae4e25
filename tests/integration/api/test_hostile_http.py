"""What an unauthenticated byte can reach is bounded, and the bounds are answered by name."""

import asyncio
import contextlib
import json
import random
import time
from collections.abc import AsyncIterator
from typing import Any

import jwt
import pytest
import starlette.requests

from api import access, http_protocol, limits
from api.access import MAX_TOKEN_HEAD, Access
from api.http_protocol import Config
from api.push import engine_io, history, socketio_carriers, subscription
from api.push.websocket import MAX_FRAMES, POLICY
from api.server import Server, configure, listen
from fuzz.http_requests import answers, request, send
from provider.apps import SECRET, Counting, application, client
from provider.signing import body
from shopstream.settings import Settings

HEALTH = b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n"
TICKET = b"POST /auth/ticket HTTP/1.1\r\nHost: x\r\n"
POLLING = b"/socket.io/?EIO=4&transport=polling"
UPGRADE = (
    b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)


class Api:
    """A server in this process, and clients of it that say what they like."""

    def __init__(self, port: int, server: Server) -> None:
        self.port = port
        self.server = server

    @property
    def connections(self) -> limits.Connections:
        config = self.server.config
        assert isinstance(config, Config)
        return config.connections

    async def open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", self.port)

    async def told(self, *pieces: bytes, every: float = 0.01, within: float = 5) -> bytes:
        """All that the API says to some pieces until it closes."""
        reader, writer = await self.open()
        reading = asyncio.create_task(_everything(reader, within))
        try:
            with contextlib.suppress(ConnectionError):
                for piece in pieces:
                    writer.write(piece)
                    await writer.drain()
                    await asyncio.sleep(every)
            return await reading
        finally:
            writer.transport.abort()

    async def first(self, text: bytes) -> bytes:
        """The first piece of an answer."""
        reader, writer = await self.open()
        writer.write(text)
        answer = await asyncio.wait_for(reader.read(1 << 16), 5)
        writer.transport.abort()
        return answer

    async def quiet(self) -> None:
        """Once no connection is left."""
        async with asyncio.timeout(5):
            while self.server.server_state.connections or len(self.connections):
                await asyncio.sleep(0.01)


async def _everything(reader: asyncio.StreamReader, within: float) -> bytes:
    found = b""
    with contextlib.suppress(ConnectionError, TimeoutError):
        async with asyncio.timeout(within):
            while piece := await reader.read(1 << 16):
                found += piece
    return found


@contextlib.asynccontextmanager
async def serving(*, direct: bool = True, per_address: int = 0, **more: Any) -> AsyncIterator[Api]:
    listener = listen("127.0.0.1", 0)
    app = application(Counting(), **more)
    there = Server(configure(app, direct=direct, per_address=per_address), lambda: None)
    task = asyncio.create_task(there.serve([listener]))
    try:
        yield Api(listener.getsockname()[1], there)
    finally:
        there.stop()
        await asyncio.wait_for(task, 10)


@pytest.fixture
async def api() -> AsyncIterator[Api]:
    async with serving() as there:
        yield there


def head(*lines: bytes, target: bytes = b"/health") -> bytes:
    return b"\r\n".join((b"GET " + target + b" HTTP/1.1", b"Host: x", *lines, b"", b""))


def token() -> bytes:
    return jwt.encode(body(), SECRET, "HS256").encode()


def problem(answer: bytes) -> dict[str, Any]:
    """The one problem that an answer is."""
    assert answer.count(b"HTTP/1.1 ") == 1, answer
    top, _, text = answer.partition(b"\r\n\r\n")
    assert b"connection: close" in top
    assert b"content-type: application/problem+json" in top
    told: dict[str, Any] = json.loads(text)
    assert top.startswith(b"HTTP/1.1 %d " % told["status"])
    return told


@pytest.mark.parametrize(
    ("most", "beyond", "wanted"),
    [
        (
            head(target=b"/health?" + b"a=&" * (limits.PARAMETERS - 1)),
            head(target=b"/health?" + b"a=&" * limits.PARAMETERS),
            limits.TOO_LONG_TARGET,
        ),
        (
            head(target=b"/health?" + b"%41" * limits.ESCAPES),
            head(target=b"/health?" + b"%41" * (limits.ESCAPES + 1)),
            limits.TOO_LONG_TARGET,
        ),
        (
            head(target=b"/health?".ljust(limits.TARGET_BYTES, b"x")),
            head(target=b"/health?".ljust(limits.TARGET_BYTES + 1, b"x")),
            limits.TOO_LONG_TARGET,
        ),
        (
            head(*[b"a: b"] * (limits.HEADERS - 1)),
            head(*[b"a: b"] * limits.HEADERS),
            limits.TOO_MANY_HEADERS,
        ),
        (
            head(b"Cookie: " + b"a=b;" * limits.MEMBERS),
            head(b"Cookie: " + b"a=b;" * limits.MEMBERS, b"Accept: a,b"),
            limits.TOO_MANY_MEMBERS,
        ),
        (
            head(b"a: " + b"x" * (limits.HEAD_BYTES - 60)),
            head(b"a: " + b"x" * limits.HEAD_BYTES),
            limits.TOO_LONG_HEAD,
        ),
    ],
    ids=["parameters", "percent signs", "the address", "headers", "list members", "the head"],
)
async def test_a_head_is_counted_before_it_is_looked_into(
    api: Api, most: bytes, beyond: bytes, wanted: limits.Problem
) -> None:
    assert (await api.first(most)).startswith(b"HTTP/1.1 200 ")
    told = problem(await api.told(beyond))
    assert (told["status"], told["detail"]) == (wanted.status, wanted.detail)


async def test_a_head_that_is_too_much_reaches_neither_the_routes_nor_a_parser(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append(scope["path"])

    monkeypatch.setattr(api.server.config, "loaded_app", app)
    for target in (b"/?" + b"&" * 60_000, b"/" + b"%41" * 20_000, b"/?" + b"%41" * 20_000):
        assert problem(await api.told(head(target=target)))["status"] in (400, 414)
    assert not seen


async def test_trailers_count_as_headers(api: Api) -> None:
    chunked = TICKET + b"Transfer-Encoding: chunked\r\n\r\n0\r\n"
    answer = await api.told(chunked + b"a: b\r\n" * limits.HEADERS + b"\r\n")
    assert problem(answer)["status"] == 431


@pytest.mark.parametrize("path", [b"/health", b"/events?ticket=x", POLLING])
@pytest.mark.parametrize("direct", [True, False])
async def test_a_cookie_of_escapes_is_dropped_before_python_reads_it(
    path: bytes, direct: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`http.cookies` takes seconds for 30,000 of them."""
    seen: list[str] = []
    whole = starlette.requests.cookie_parser

    def parser(text: str) -> dict[str, str]:
        seen.append(text)
        return whole(text)

    monkeypatch.setattr(starlette.requests, "cookie_parser", parser)
    async with serving(direct=direct) as api:
        escaped = b'a="' + b'\\"' * 25_000 + b'"'
        await api.first(head(b"Cookie: x=1;" + escaped + b"; b=2", target=path))
    assert set(seen) == {"x=1; b=2"}


async def test_the_head_of_a_token_is_short(api: Api) -> None:
    keys = Access(Settings(jwt_secret=SECRET))
    short = jwt.encode(body(), SECRET, "HS256", {"pad": "x" * (MAX_TOKEN_HEAD // 2)})
    assert keys.read(short).user == body()["sub"]
    long = jwt.encode(body(), SECRET, "HS256", {"pad": "x" * MAX_TOKEN_HEAD})
    with pytest.raises(access.Unauthorized):
        keys.read(long)


@pytest.mark.parametrize(
    "sent",
    [
        b"Content-Length: 9999999\r\n\r\n" + b"x" * (limits.BODY_BYTES + 1),
        b"Transfer-Encoding: chunked\r\n\r\n" + b"20000\r\n" + b"x" * 0x20000 + b"\r\n1\r\nx\r\n",
        b"Transfer-Encoding: chunked\r\n\r\n" + b"1\r\nx\r\n" * 3_000,
    ],
    ids=["of a length", "chunked", "in small pieces"],
)
async def test_a_body_is_bounded(api: Api, sent: bytes) -> None:
    for line in (TICKET, b"POST " + POLLING + b" HTTP/1.1\r\n"):
        answer = await api.told(line + sent)
        # an answer that was given before it became too long is the only one
        assert answer == b"" or answer.split(b" ")[1] in (b"413", b"401", b"400")
        assert answer.count(b"HTTP/1.1 ") <= 1
    await api.quiet()


async def test_a_body_comes_whole_in_time(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_protocol, "REQUEST_SECONDS", 0.3)
    monkeypatch.setattr(http_protocol, "IDLE_SECONDS", 30)
    began = time.monotonic()
    await api.told(TICKET + b"Content-Length: 1000\r\n\r\n", *[b"x"] * 100, every=0.02, within=3)
    await api.quiet()
    assert time.monotonic() - began < 3


async def test_who_leaves_within_its_body_leaves_no_line(
    api: Api, caplog: pytest.LogCaptureFixture
) -> None:
    head = b"HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n"
    mine = b"Authorization: Bearer " + token() + b"\r\nContent-Type: application/json\r\n"
    for line in (
        b"POST /hooks/shopify/s " + head + b"X-Shopify-Hmac-Sha256: AAAA\r\n\r\n",
        b"POST /events " + head + mine + b"\r\n",
    ):
        _, writer = await api.open()
        writer.write(line + b"half")
        await writer.drain()
        await asyncio.sleep(0.1)
        writer.transport.abort()
    await api.quiet()
    await asyncio.sleep(0.05)
    assert not [each for each in caplog.records if each.levelname in ("ERROR", "CRITICAL")]


@pytest.mark.parametrize("trickle", [b"", b"\r\n"], ids=["nothing", "line ends"])
async def test_a_kept_connection_that_asks_nothing_is_closed(
    api: Api, monkeypatch: pytest.MonkeyPatch, trickle: bytes
) -> None:
    monkeypatch.setattr(http_protocol, "IDLE_SECONDS", 0.3)
    answer = await api.told(HEALTH, *[trickle] * 60, every=0.02, within=3)
    assert answer.count(b"HTTP/1.1 200 ") == 1
    await api.quiet()


async def test_a_kept_connection_goes_on_for_as_long_as_it_asks(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_protocol, "IDLE_SECONDS", 0.3)
    monkeypatch.setattr(http_protocol, "REQUEST_SECONDS", 0.3)
    reader, writer = await api.open()
    for _ in range(8):
        writer.write(TICKET + b"Content-Length: 2\r\n\r\nx")
        await asyncio.sleep(0.05)
        writer.write(b"x")
        assert (await asyncio.wait_for(reader.read(1 << 16), 1)).startswith(b"HTTP/1.1 401 ")
        await asyncio.sleep(0.05)
    writer.close()


async def test_an_address_has_so_many_connections_and_no_more() -> None:
    async with serving(per_address=3) as api:
        kept = [await api.open() for _ in range(3)]
        async with asyncio.timeout(5):
            while len(api.connections) < 3:
                await asyncio.sleep(0.01)
        told = problem(await api.told(within=2))
        assert (told["status"], told["detail"]) == (503, limits.FULL.detail)
        assert len(api.connections) == 3
        kept.pop()[1].close()
        async with asyncio.timeout(5):
            while len(api.connections) > 2:
                await asyncio.sleep(0.01)
        assert (await api.first(HEALTH)).startswith(b"HTTP/1.1 200 ")
        for _, writer in kept:
            writer.close()
        await api.quiet()


@pytest.mark.parametrize("direct", [True, False])
async def test_every_place_of_a_connection_is_given_back(direct: bool) -> None:
    async with serving(direct=direct, per_address=50) as api:
        stream = (
            b"GET /events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + token() + b"\r\n\r\n"
        )
        socket = b"GET /ws HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + token() + b"\r\n"
        for text in (HEALTH, b"nothing\r\n\r\n", b"", stream, socket + UPGRADE + b"\r\n"):
            _, writer = await api.open()
            writer.write(text)
            await asyncio.sleep(0.1)
            writer.transport.abort()
        await api.quiet()


async def test_no_more_requests_wait_behind_one_than_may(api: Api) -> None:
    answer = await api.told(HEALTH * 1_000)
    assert answer.count(b"HTTP/1.1 200 ") == 1 + limits.PIPELINED
    assert answer.count(b"connection: close") == 1


async def test_what_came_before_bytes_that_are_no_request_is_answered(api: Api) -> None:
    answer = await api.told(HEALTH * 3 + b"no request\r\n\r\n")
    assert answer.count(b"HTTP/1.1 ") == answer.count(b"HTTP/1.1 200 ") == 3


async def _listening(api: Api, behind: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await api.open()
    writer.write(head(b"Authorization: Bearer " + token(), target=b"/events") + behind)
    found = b""
    async with asyncio.timeout(5):
        while b"stream:ready" not in found:
            found += await reader.readline()
    return reader, writer


@pytest.mark.parametrize("behind", [b"", HEALTH, HEALTH * 5, b"GET /nothing", b"garbage\r\n\r\n"])
async def test_a_stream_goes_on_whatever_came_behind_it(api: Api, behind: bytes) -> None:
    reader, writer = await _listening(api, behind)
    writer.write(HEALTH)
    rest = b""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(0.3):
            while piece := await reader.read(1 << 16):
                rest += piece
            pytest.fail("the stream has ended")
    assert b"HTTP/1.1" not in rest
    writer.transport.abort()
    await api.quiet()


@pytest.mark.parametrize("target", [b"/events", b"/ws"])
async def test_a_stream_that_begins_as_its_connection_is_cut_off_leaves_no_line(
    api: Api, target: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    mine = b"Authorization: Bearer " + token() + b"\r\n" + (UPGRADE if target == b"/ws" else b"")
    stream = b"GET " + target + b" HTTP/1.1\r\nHost: x\r\n" + mine + b"\r\n"
    broken = TICKET + b"Transfer-Encoding: chunked\r\n\r\nno length\r\n"
    await api.told(stream + broken, within=1)
    await api.quiet()
    assert not [each for each in caplog.records if each.levelname in ("ERROR", "CRITICAL")]


async def test_who_goes_on_talking_behind_a_stream_is_cut_off(api: Api) -> None:
    _, writer = await _listening(api, b"")
    with contextlib.suppress(ConnectionError):
        for _ in range(subscription.MAX_HEARD // 4096 + 2):
            writer.write(b"x" * 4096)
            await writer.drain()
            await asyncio.sleep(0)
    await api.quiet()


async def test_a_poll_with_a_request_behind_it_ends_with_its_connection(api: Api) -> None:
    opened = await api.first(head(target=POLLING))
    sid = json.loads(opened.partition(b"\r\n\r\n0")[2])["sid"].encode()
    _, writer = await api.open()
    writer.write(head(target=POLLING + b"&sid=" + sid) + HEALTH)
    async with asyncio.timeout(5):
        while not api.server.server_state.tasks:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.1)
        writer.transport.abort()
        while api.server.server_state.tasks:
            await asyncio.sleep(0.01)


async def _upgraded(api: Api, target: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await api.open()
    writer.write(b"GET " + target + b" HTTP/1.1\r\nHost: x\r\n" + UPGRADE + b"\r\n")
    assert b"101" in await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
    return reader, writer


async def test_too_many_frames_at_once_are_a_breach_of_policy(api: Api) -> None:
    reader, writer = await _upgraded(api, b"/socket.io/?EIO=4&transport=websocket")
    writer.write(b"\x8a\x80\0\0\0\0" * (MAX_FRAMES + 40_000))
    with contextlib.suppress(ConnectionError):
        assert (await asyncio.wait_for(reader.read(), 5)).endswith(POLICY.to_bytes(2, "big"))
    await api.quiet()


async def test_a_connection_that_a_session_never_moves_to_is_closed(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socketio_carriers, "UPGRADE_SECONDS", 0.2)
    opened = await api.first(head(target=POLLING))
    sid = json.loads(opened.partition(b"\r\n\r\n0")[2])["sid"].encode()
    reader, _ = await _upgraded(api, b"/socket.io/?EIO=4&transport=websocket&sid=" + sid)
    with contextlib.suppress(ConnectionError):
        assert await asyncio.wait_for(reader.read(), 5) == b""


@pytest.mark.parametrize("direct", [True, False])
async def test_a_web_socket_outlives_the_time_of_a_request(
    monkeypatch: pytest.MonkeyPatch, direct: bool
) -> None:
    monkeypatch.setattr(http_protocol, "REQUEST_SECONDS", 0.2)
    monkeypatch.setattr(http_protocol, "IDLE_SECONDS", 0.2)
    async with serving(direct=direct) as api:
        reader, writer = await api.open()
        asked = b"GET /ws HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + token() + b"\r\n"
        writer.write(asked + UPGRADE + b"\r\n")
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.8):
                while await reader.read(1 << 16):
                    pass
                pytest.fail("it was closed")
        writer.transport.abort()


async def test_a_post_of_too_many_packets_is_refused(api: Api) -> None:
    opened = await api.first(head(target=POLLING))
    sid = json.loads(opened.partition(b"\r\n\r\n0")[2])["sid"].encode()
    packets = b"\x1e" * engine_io.MAX_PACKETS
    line = b"POST " + POLLING + b"&sid=" + sid + b" HTTP/1.1\r\nHost: x\r\n"
    answer = await api.first(line + b"Content-Length: %d\r\n\r\n" % len(packets) + packets)
    assert answer.startswith(b"HTTP/1.1 400 ")


async def test_any_number_of_questions_after_readiness_ask_the_database_once() -> None:
    class Slow(Counting):
        async def ping(self) -> None:
            self.statements += 1
            await asyncio.sleep(0.1)

    engine = Slow()
    async with client(application(engine)) as http:
        found = await asyncio.gather(*(http.get("/ready") for _ in range(50)))
        assert {answer.status_code for answer in found} == {200}
        assert engine.statements == 1
        await http.get("/ready")
    assert engine.statements == 2


async def test_pages_of_history_that_nobody_reads_are_bounded_for_each_shop(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def page(*_: Any) -> bytes:
        return b"[" + b" " * history.PAGE_BYTES + b"]"

    monkeypatch.setattr(history.HistoryReader, "page", page)

    async def ask(shop: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        mine = jwt.encode(body() | {"shops": [shop]}, SECRET, "HS256").encode()
        reader, writer = await asyncio.open_connection("127.0.0.1", api.port, limit=4096)
        authorization = b"Authorization: Bearer " + mine
        writer.write(head(authorization, b"Connection: close", target=b"/events/history"))
        return reader, writer

    unread = [await ask("s-1") for _ in range(history.SHOP_PAGES)]
    for reader, _ in unread:
        assert (await reader.readline()).startswith(b"HTTP/1.1 200 ")
    refused, _ = await ask("s-1")
    answer = await asyncio.wait_for(refused.read(), 5)
    assert answer.startswith(b"HTTP/1.1 503 ")
    assert b"read pages of its history" in answer
    other, _ = await ask("s-2")
    assert (await asyncio.wait_for(other.read(), 10)).endswith(b"]")
    waiting = [
        connection.transport.get_write_buffer_size()
        for connection in api.server.server_state.connections
    ]
    assert max(waiting) < 4 * history.PIECE_BYTES
    whole = await asyncio.wait_for(unread[0][0].read(), 10)
    assert whole.endswith(b"]")
    for _, writer in unread:
        writer.transport.abort()
    await api.quiet()
    again, _ = await ask("s-1")
    assert (await asyncio.wait_for(again.read(), 10)).endswith(b"]")


async def test_mutated_requests_are_answered_or_closed_and_none_is_a_fault(
    api: Api, caplog: pytest.LogCaptureFixture
) -> None:
    found = await send("127.0.0.1", api.port, 600, seed=7, tokens=[token().decode()])
    assert found.total() >= 600
    assert not found["500"]
    await answers("127.0.0.1", api.port)
    assert not [each for each in caplog.records if each.levelname in ("ERROR", "CRITICAL")]
    await api.quiet()


def test_the_requests_of_a_seed_are_the_same_again() -> None:
    assert request(random.Random(3)) == request(random.Random(3))
