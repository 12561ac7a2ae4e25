"""What wraps every request: ids, the access log, CORS, and the answers to what goes wrong inside."""

import asyncio
import contextlib
import json
import logging
import re
from collections.abc import AsyncIterator
from typing import Any

import httpx
import jwt
import pytest
from starlette.types import Message, Receive, Scope, Send

from api.access import Access
from api.concurrency import ConcurrencyLimit
from api.faults import KeysUnavailable
from api.middleware import LoadSheddingMiddleware
from api.rate import Rate
from api.reports import read_your_writes
from provider.apps import SECRET, Counting, application, client
from provider.signing import Pair, body
from shopstream.settings import Settings

DAY = "/reports/daily-sales"
MADE = re.compile(r"[0-9a-f]{16}")


def of(shop: str) -> dict[str, str]:
    return head(jwt.encode(body(shops=[shop]), SECRET, "HS256"))


def head(token: str | None = None, **more: str) -> dict[str, str]:
    signed = token or jwt.encode(body(), SECRET, "HS256")
    return {"Authorization": f"Bearer {signed}", **more}


class Broken(Counting):
    async def rows(self, *args: Any, **named: Any) -> list[dict[str, Any]]:
        raise ZeroDivisionError("the inside")


class Stuck(Counting):
    def __init__(self) -> None:
        super().__init__()
        self.go = asyncio.Event()

    async def rows(self, *args: Any, **named: Any) -> list[dict[str, Any]]:
        await self.go.wait()
        raise ZeroDivisionError


@pytest.mark.parametrize("path", ["/health", "/", "/nothing", DAY, "/openapi.json", "/metrics"])
async def test_every_answer_has_the_id_that_the_request_came_with(path: str) -> None:
    async with client(application(Counting())) as http:
        answer = await http.get(path, headers={"X-Request-Id": "edge-7f/a+b=@1.2:3"})
        assert answer.headers.get_list("X-Request-Id") == ["edge-7f/a+b=@1.2:3"]
        if answer.status_code >= 400:
            assert answer.json()["requestId"] == "edge-7f/a+b=@1.2:3"


@pytest.mark.parametrize("odd", ["", "a b", "x" * 65, "a\tb", 'a"b', "<b>", "ä", "a;b", "{}"])
async def test_an_id_that_is_not_fit_to_be_written_down_is_replaced(odd: str) -> None:
    async with client(application(Counting())) as http:
        answer = await http.get("/nothing", headers=[(b"X-Request-Id", odd.encode())])
        assert MADE.fullmatch(answer.headers["X-Request-Id"])
        assert answer.json()["requestId"] == answer.headers["X-Request-Id"]


async def test_what_is_of_the_moment_or_secret_is_never_stored() -> None:
    async with client(application(Counting())) as http:
        answers = [await http.get(path) for path in ("/health", "/ready", "/nothing", DAY)]
        answers.append(await http.post("/auth/ticket", headers=head()))
    assert [answer.status_code for answer in answers] == [200, 200, 404, 401, 200]
    assert {answer.headers["Cache-Control"] for answer in answers} == {"no-store"}


async def test_each_request_without_an_id_gets_its_own() -> None:
    async with client(application(Counting())) as http:
        ids = {(await http.get("/health")).headers["X-Request-Id"] for _ in range(50)}
    assert len(ids) == 50


async def test_a_fault_of_this_program_tells_nothing_and_is_counted_like_every_answer(
    caplog: pytest.LogCaptureFixture,
) -> None:
    app = application(Broken(), cors_origins=("https://page.test",))
    async with client(app) as http:
        answer = await http.get(
            DAY, headers=head(**{"X-Request-Id": "r1", "Origin": "https://page.test"})
        )
        counted = (await http.get("/metrics")).text
    assert answer.status_code == 500
    assert answer.json() == {
        "type": "urn:shopstream:problem:internal",
        "title": "Internal error",
        "status": 500,
        "detail": "Something went wrong here; the request was not at fault.",
        "requestId": "r1",
    }
    assert answer.headers["Access-Control-Allow-Origin"] == "https://page.test"
    assert answer.headers["X-Request-Id"] == "r1"
    assert f'requests_total{{method="GET",route="{DAY}",status="500"}} 1.0' in counted
    assert "/reports/daily-sales failed (request r1)" in caplog.text


async def test_a_request_for_a_web_socket_without_its_headers_is_told_what_is_missing() -> None:
    async with client(application(Counting())) as http:
        answer = await http.get("/ws", headers=head(**{"X-Request-Id": "r1"}))
    assert (answer.status_code, answer.headers["Upgrade"]) == (426, "websocket")
    assert answer.json() == {
        "type": "about:blank",
        "title": "Upgrade Required",
        "status": 426,
        "detail": "This address speaks WebSocket (RFC 6455, version 13).",
        "requestId": "r1",
    }


async def test_a_page_elsewhere_may_send_and_read_what_it_needs() -> None:
    async with client(application(Counting(), cors_origins=("https://page.test",))) as http:
        asked = {
            "Origin": "https://page.test",
            "Access-Control-Request-Method": "GET",
            "Access-Control-Request-Headers": "authorization,if-none-match,last-event-id,x-request-id",
        }
        before = await http.options(DAY, headers=asked)
        answer = await http.get(DAY, headers={"Origin": "https://page.test"})
        stranger = await http.get(DAY, headers={"Origin": "https://evil.test"})
        asked["Access-Control-Request-Method"] = "POST"
        ticket = await http.options("/auth/ticket", headers=asked)
    assert (before.status_code, ticket.status_code) == (200, 200)
    assert before.headers["Access-Control-Allow-Origin"] == "https://page.test"
    shown = answer.headers["Access-Control-Expose-Headers"].split(", ")
    assert shown == [
        "ETag",
        "Retry-After",
        "WWW-Authenticate",
        "Shopstream-Refused",
        "X-Request-Id",
    ]
    assert "Access-Control-Allow-Origin" not in stranger.headers


@pytest.mark.parametrize(
    ("origin", "method", "header", "told"),
    [
        ("https://page.test", "GET", "x-other", "headers"),
        ("https://page.test", "DELETE", "authorization", "method"),
        ("https://evil.test", "GET", "authorization", "origin"),
    ],
)
async def test_a_preflight_that_is_refused_is_a_problem(
    origin: str, method: str, header: str, told: str
) -> None:
    asked = {
        "Origin": origin,
        "X-Request-Id": "r1",
        "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": header,
    }
    async with client(application(Counting(), cors_origins=("https://page.test",))) as http:
        answer = await http.options(DAY, headers=asked)
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.headers.get_list("X-Request-Id") == ["r1"]
    assert answer.headers["Vary"].startswith("Origin, Access-Control-Request-Method")
    assert answer.json() == {
        "type": "about:blank",
        "title": "Bad Request",
        "status": 400,
        "detail": f"Disallowed CORS {told}.",
        "requestId": "r1",
    }


async def test_the_access_log_is_a_line_of_json_without_secrets(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "shopstream.access")
    token = jwt.encode(body(), SECRET, "HS256")
    async with client(application(Counting(), access_log=True)) as http:
        ticket = (await http.post("/auth/ticket", headers=head(token))).json()["ticket"]
        await http.get(f"/nothing/%0a{'x' * 500}?ticket={ticket}&q=topsecret")
        await http.get(f"/events?ticket={ticket}&shopId=other", headers={"X-Request-Id": "r3"})
        for quiet in ("/health", "/ready", "/metrics"):
            await http.get(quiet)
    lines = [record.getMessage() for record in caplog.records if record.name == "shopstream.access"]
    first, second, third = (json.loads(line) for line in lines)
    assert (first["method"], first["path"], first["status"]) == ("POST", "/auth/ticket", 200)
    assert (first["sub"], first["shop"]) == ("u1", None)
    assert first["bytes"] > 100 and first["durationMs"] >= 0
    assert second["path"] == "/nothing/\\n" + "x" * 190
    assert (third["status"], third["sub"], third["shop"]) == (403, "u1", None)
    assert third["requestId"] == "r3"
    assert set(third) == {
        *("time", "method", "path", "status", "durationMs", "bytes", "shop", "sub", "requestId")
    }
    for secret in (token, ticket, "topsecret", "\n"):
        assert not any(secret in line for line in lines)


async def test_without_the_setting_there_is_no_access_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "shopstream.access")
    async with client(application(Counting())) as http:
        await http.get("/nothing")
    assert "shopstream.access" not in {record.name for record in caplog.records}


async def test_the_log_has_the_shop_and_a_stream_once_it_has_ended(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "shopstream.access")
    app = application(Counting(), access_log=True)
    end = asyncio.Event()
    got: list[Message] = []

    async def receive() -> Message:
        await end.wait()
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        got.append(message)

    scope = {
        "type": "http",
        "method": "GET",
        "path": "/events",
        "query_string": b"",
        "headers": [(k.lower().encode(), v.encode()) for k, v in head().items()],
    }
    stream = asyncio.create_task(app(scope, receive, send))
    while len(got) < 2:
        await asyncio.sleep(0.001)
    assert not caplog.records
    end.set()
    await stream
    (record,) = caplog.records
    line = json.loads(record.getMessage())
    assert (line["path"], line["status"], line["shop"], line["sub"]) == ("/events", 200, "s1", "u1")
    assert line["bytes"] == sum(len(message.get("body", b"")) for message in got)
    heads = got[0]["headers"]
    assert [name for name, _ in heads].count(b"x-request-id") == 1
    assert (b"cache-control", b"no-store") in heads


async def test_a_token_that_asks_too_often_is_told_when_to_come_again() -> None:
    access = Access(Settings(jwt_secret=SECRET), rate=Rate(1, lambda: 5.0))
    async with client(application(Counting(), access)) as http:
        statuses = [(await http.post("/auth/ticket", headers=head())).status_code for _ in range(3)]
        assert statuses == [200, 200, 429]
        answer = await http.get(DAY, headers=head())
        other = await http.post("/auth/ticket", headers=head(jwt.encode(body(sub="u2"), SECRET)))
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "1")
    problem = answer.json()
    assert (problem["type"], problem["status"]) == ("urn:shopstream:problem:too-many", 429)
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert other.status_code == 200


async def test_a_stream_that_begins_with_a_ticket_was_counted_with_the_ticket() -> None:
    access = Access(Settings(jwt_secret=SECRET), rate=Rate(0.1, lambda: 5.0))
    app = application(Counting(), access)
    async with client(app) as http:
        issued = await http.post("/auth/ticket", headers=head())
        answer = await http.get(f"/events?shopId=x&ticket={issued.json()['ticket']}")
        again = await http.get("/events", headers=head())
    assert (issued.status_code, answer.status_code, again.status_code) == (200, 403, 429)


async def test_a_token_that_is_not_valid_counts_for_nobody() -> None:
    access = Access(Settings(jwt_secret=SECRET), rate=Rate(1, lambda: 5.0))
    async with client(application(Counting(), access)) as http:
        for _ in range(5):
            assert (await http.get(DAY, headers=head("a.b.c"))).status_code == 401


async def test_more_reports_than_there_are_places_for_are_refused_at_once() -> None:
    engine = Stuck()
    app = application(engine, reports_at_once=3)
    async with client(app) as http:
        waiting = [asyncio.create_task(http.get(DAY, headers=head())) for _ in range(3)]
        await asyncio.sleep(0.01)
        refused = [await http.get(path, headers=head()) for path in (DAY, "/stock")]
        others = [await http.get("/health"), await http.post("/auth/ticket", headers=head())]
        engine.go.set()
        for task in waiting:
            assert (await task).status_code == 500
        assert (await http.get(DAY, headers=head())).status_code == 500
    for answer in refused:
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "2")
        assert answer.json()["type"] == "urn:shopstream:problem:busy"
        assert answer.headers["X-Request-Id"] == answer.json()["requestId"]
    assert [answer.status_code for answer in others] == [200, 200]


async def test_an_answer_that_nobody_reads_has_no_place_any_more() -> None:
    """Were it otherwise, a client that does not read would keep every shop out."""
    reading = asyncio.Event()

    async def report(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200})

    async def send(message: Message) -> None:
        await reading.wait()

    shed = LoadSheddingMiddleware(report, ConcurrencyLimit(1), ConcurrencyLimit(1))
    scope = {"type": "http", "path": DAY, "query_string": b""}
    asked = [asyncio.create_task(shed(scope, receive_nothing, send)) for _ in range(3)]
    await asyncio.sleep(0.01)
    assert not any(task.done() for task in asked)
    reading.set()
    await asyncio.gather(*asked)


async def receive_nothing() -> Message:
    return {"type": "http.request"}


@pytest.mark.parametrize("name", ["includes", "%69ncludes"])
async def test_those_that_wait_for_a_place_in_kafka_do_not_keep_others_out(name: str) -> None:
    app = application(Stuck(), reports_at_once=2)
    async with client(app) as http:
        path = f"{DAY}?{name}=shop.orders:0:5"
        waiting = [asyncio.create_task(http.get(path, headers=of(shop))) for shop in ("a", "b")]
        await asyncio.sleep(0.01)
        assert (await http.get(path, headers=of("c"))).status_code == 503
        assert (await http.get(f"{DAY}?date=x", headers=head())).status_code == 400
        for task in waiting:
            task.cancel()
        await asyncio.wait(waiting)


WAITS = f"{DAY}?includes=shop.orders:0:5"


@contextlib.asynccontextmanager
async def both_places_of_a(http: httpx.AsyncClient) -> AsyncIterator[list[asyncio.Task[Any]]]:
    """Two requests of the shop a that wait, of an API where a shop may have as many."""
    waiting = [asyncio.create_task(http.get(WAITS, headers=of("a"))) for _ in range(2)]
    await asyncio.sleep(0.01)
    try:
        yield waiting
    finally:
        for task in waiting:
            task.cancel()
        await asyncio.wait(waiting)


async def test_a_shop_that_waits_for_much_does_not_keep_another_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with (
        client(application(Counting(), reports_at_once=20)) as http,
        both_places_of_a(http),
    ):
        refused = await http.get(WAITS, headers=of("a"))
        monkeypatch.setattr(read_your_writes, "WAIT_SECONDS", 0.01)
        other = await http.get(WAITS, headers=of("b"))
        plain = await http.get(DAY, headers=of("a"))
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "2")
    assert refused.json()["type"] == "urn:shopstream:problem:busy"
    assert refused.json()["detail"] == (
        "Too many requests of this shop wait for includes; this one can be sent again."
    )
    assert other.json()["type"] == "urn:shopstream:problem:not-yet"
    assert plain.status_code == 200


async def test_who_has_no_token_of_a_shop_takes_none_of_its_places(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with client(application(Counting(), reports_at_once=20)) as http:
        strangers = [
            asyncio.create_task(http.get(f"{WAITS}&shopId=a", headers=heads))
            for heads in (of("b"), {}, head("a.b.c"))
            for _ in range(10)
        ]
        monkeypatch.setattr(read_your_writes, "WAIT_SECONDS", 0.01)
        own = await http.get(WAITS, headers=of("a"))
        statuses = sorted({(await one).status_code for one in strangers})
    assert own.json()["type"] == "urn:shopstream:problem:not-yet"
    assert statuses == [401, 403]


async def test_a_shop_has_its_places_again_when_who_waited_left_or_waited_in_vain(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with client(application(Counting(), reports_at_once=20)) as http:
        async with both_places_of_a(http):
            assert (await http.get(WAITS, headers=of("a"))).headers["Retry-After"] == "2"
        monkeypatch.setattr(read_your_writes, "WAIT_SECONDS", 0.01)
        for _ in range(2):
            async with both_places_of_a(http) as waiting:
                answers = [await task for task in waiting]
            kinds = {answer.json()["type"] for answer in answers}
            assert kinds == {"urn:shopstream:problem:not-yet"}


class Late:
    """A key that is there only after somebody waited for it."""

    def __init__(self) -> None:
        self.there = False

    def find(self, algorithm: str, kid: str | None) -> list[Any]:
        raise KeysUnavailable("The keys that tokens are checked with cannot be fetched.")

    async def prepare(self, algorithm: str, kid: str | None) -> None:
        self.there = True


async def test_a_token_that_cannot_be_checked_is_no_fault_of_its_sender() -> None:
    late = Late()
    app = application(Counting(), Access(Settings(), late))
    async with client(app) as http:
        for path in (DAY, "/stock", "/events"):
            answer = await http.get(path, headers=head(Pair("RS256").token()))
            assert (answer.status_code, answer.headers["Retry-After"]) == (503, "2")
            assert answer.json()["type"] == "urn:shopstream:problem:keys-unavailable"
        assert (await http.get(DAY, headers=head("junk"))).status_code == 401
        assert (await http.get(DAY)).status_code == 401
    assert late.there


class Troubled:
    """Keys of which /ready tells."""

    def __init__(self, found: tuple[str, bool] | None) -> None:
        self.found = found

    def unavailable_reason(self) -> tuple[str, bool] | None:
        return self.found


@pytest.mark.parametrize(
    ("found", "status", "told"),
    [
        (None, 200, "ok"),
        (("Old ones serve.", True), 200, "Old ones serve."),
        (("None.", False), 503, "None."),
    ],
)
async def test_ready_tells_of_the_keys(
    found: tuple[str, bool] | None, status: int, told: str
) -> None:
    async with client(application(Counting(), keys=Troubled(found))) as http:
        answer = await http.get("/ready")
    assert (answer.status_code, answer.json()["keys"]) == (status, told)


async def test_without_an_address_of_keys_ready_says_nothing_of_them() -> None:
    async with client(application(Counting())) as http:
        assert "keys" not in (await http.get("/ready")).json()


def test_the_document_tells_every_refusal_and_the_id() -> None:
    document = application(Counting()).openapi()
    for path, operations in document["paths"].items():
        for operation in operations.values():
            answers = operation["responses"]
            assert all("X-Request-Id" in answer["headers"] for answer in answers.values())
            if "security" in operation:
                assert {"400", "401", "429", "503"} <= set(answers), path
    assert "requestId" in document["components"]["schemas"]["ProblemDetails"]["properties"]
