"""Every route, beside every token that must not open it."""

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator
from typing import Any

import httpx
import jwt
import pytest
from api_harness import Addresses, Child, Line, Order, store
from fastapi.routing import APIRoute
from starlette.routing import Route

from api import keys
from api.access import MAX_TOKEN, Access
from api.limits import HEAD_BYTES
from clickhouse.client import ClickHouseClient
from provider.apps import SECRET, Counting, application, client, every_route
from provider.signing import Pair, body, key_set, part, private, unsigned
from shopstream.settings import Settings

PUBLIC = {
    *("/", "/health", "/ready", "/metrics"),
    *("/openapi.json", "/docs", "/docs/oauth2-redirect", "/redoc"),
}
SIGNED = {"/hooks/{platform}/{shop:path}"}
"""Whose sender signs; test_hooks_http.py asks these."""
ANY_ROLE = {"/events", "/events/history", "/ws", "/auth/ticket"}
OWN_PROTOCOL = {"/socket.io", "/socket.io/"}
"""Says who it is in its first packet; tests/integration/push asks these, and WebSockets."""
WITHOUT_SHOP = {"/auth/ticket"}
WRITES = ("POST", "/events")
"""Its events name their shops: unit/api/test_ingest.py crosses them."""
MINE, THEIRS, NOBODYS = "sec-mine", "sec-theirs", "sec-nobodys"
PAIRS = [Pair("RS256", "r"), Pair("ES256", "e"), Pair("EdDSA", "d")]
VOLATILE = {"date", "x-request-id", "content-length"}


class Known:
    """The keys of the provider."""

    async def prepare(self, algorithm: str, kid: str | None) -> None:
        return None

    def find(self, algorithm: str, kid: str | None) -> list[keys.Key]:
        return keys.fitting(keys.read_keys(key_set(*PAIRS)), algorithm, kid)


def settings() -> Settings:
    return Settings(jwt_secret=SECRET, jwt_issuer="https://id", jwt_audience="shopstream")


APP = application(Counting(), Access(settings(), Known()))
GUARDED = sorted(
    (method, route.path)
    for route in every_route(APP.routes)
    if isinstance(route, Route | APIRoute) and route.path not in PUBLIC | OWN_PROTOCOL | SIGNED
    for method in route.methods or ()
)
ABOUT_A_SHOP = [
    endpoint for endpoint in GUARDED if endpoint[1] not in WITHOUT_SHOP and endpoint != WRITES
]


def claims(**more: Any) -> dict[str, Any]:
    return body(**{"shops": [MINE], "iss": "https://id", "aud": "shopstream", **more})


def signed(algorithm: str = "HS256", secret: str = SECRET, **more: Any) -> str:
    if algorithm == "HS256":
        return jwt.encode(claims(**more), secret, "HS256")
    (pair,) = [pair for pair in PAIRS if pair.algorithm == algorithm]
    return pair.token(**claims(**more))


def confused(pair: Pair) -> str:
    """HS256 with the public key for a secret."""
    signing = f"{part({'alg': 'HS256', 'kid': pair.kid})}.{part(claims())}".encode()
    hmac = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256)
    mark = hmac.sign(signing, key_set(pair))
    return (signing + b"." + jwt.utils.base64url_encode(mark)).decode()


def bad_tokens() -> dict[str, str]:
    now = time.time()
    found = {
        "nothing": "x",
        "three parts": "a.b.c",
        "none": unsigned({"alg": "none"}, **claims()),
        "none, named": unsigned({"alg": "none", "kid": "r"}, **claims()),
        "another secret": signed(secret="x" * 40),
        "HS512": jwt.encode(claims(), SECRET * 2, "HS512"),
        "huge": signed(pad="x" * MAX_TOKEN),
        "endless": "x" * 5_000_000,
        "P-384": jwt.encode(claims(), private("ES384"), "ES384", {"kid": "e"}),
        "PS256": jwt.encode(claims(), private("RS256"), "PS256", {"kid": "r"}),
        **{f"confused {pair.algorithm}": confused(pair) for pair in PAIRS},
        **{
            f"{pair.algorithm} of another signer": Pair(pair.algorithm, pair.kid, 7).token(
                **claims()
            )
            for pair in PAIRS
        },
        **{
            f"{pair.algorithm} of an unknown key": Pair(pair.algorithm, "?").token(**claims())
            for pair in PAIRS
        },
    }
    faults: dict[str, dict[str, Any]] = {
        "expired": {"exp": now - 60},
        "endless life": {"exp": None},
        "not yet": {"nbf": now + 3600},
        "another issuer": {"iss": "https://evil"},
        "another audience": {"aud": "other"},
        "no audience": {"aud": None},
        "another role": {"role": "owner"},
        "roles": {"role": ["admin"]},
        "no user": {"sub": None},
        "shops as text": {"shops": MINE},
        "shops of numbers": {"shops": [1]},
        "no shops": {"shops": None},
        "a nested shop": {"shops": [[MINE]]},
        "half a character": {"shops": ["\ud800"]},
    }
    for algorithm in ("HS256", "RS256", "ES256", "EdDSA"):
        for name, more in faults.items():
            found[f"{algorithm}, {name}"] = _raw(algorithm, {**claims(), **more})
    return found


def _raw(algorithm: str, said: dict[str, Any]) -> str:
    """Signed as it is: some of it no library would write."""
    said = {name: value for name, value in said.items() if value is not None}
    if algorithm == "HS256":
        return jwt.PyJWS().encode(json.dumps(said).encode(), SECRET, "HS256")
    (pair,) = [pair for pair in PAIRS if pair.algorithm == algorithm]
    return pair.token(**{**dict.fromkeys(body()), **said})


BAD = bad_tokens()


@pytest.fixture(scope="module")
async def endpoints(engine: ClickHouseClient) -> AsyncIterator[tuple[httpx.AsyncClient, Counting]]:
    """The API over an engine with two shops in it."""
    day, lines = "2026-11-22T10:00:00Z", (Line("p1", 1, "77713.3719", "theirs alone"),)
    await store(engine, [Order(MINE, "o1", day, (Line("p1", 1, "1.5", "mine"),))])
    await store(engine, [Order(THEIRS, "o1", day, lines)])
    counting = Counting(engine)
    async with client(application(counting, Access(settings(), Known()))) as http:
        yield http, counting


async def ask(
    http: httpx.AsyncClient, endpoint: tuple[str, str], token: str | None, **query: str
) -> httpx.Response:
    head = {} if token is None else {"Authorization": f"Bearer {token}"}
    return await http.request(*endpoint, params=query or None, headers=head)


def shown(answer: httpx.Response) -> tuple[int, dict[str, Any], dict[str, str]]:
    """All that a client sees, but for what differs from one request to the next anyway."""
    told = answer.json()
    assert told.pop("requestId") == answer.headers["X-Request-Id"]
    heads = {k: v for k, v in answer.headers.items() if k not in VOLATILE}
    return answer.status_code, told, heads


def test_every_route_is_of_a_kind_that_these_tests_can_ask() -> None:
    others = [
        route
        for route in every_route(APP.routes)
        if not isinstance(route, Route | APIRoute)
        and getattr(route, "path", "") not in {"/ws", *OWN_PROTOCOL}
    ]
    assert not others, f"{others}: add requests to this endpoint here"
    assert {path for _, path in GUARDED} >= {"/events", "/auth/ticket", "/reports/daily-sales"}


def test_what_is_public_is_a_page_a_document_or_about_the_process() -> None:
    served = {getattr(route, "path", "?") for route in every_route(APP.routes)}
    assert served >= PUBLIC
    without_token = PUBLIC | {path.replace(":path", "") for path in SIGNED}
    for path, operations in APP.openapi()["paths"].items():
        for operation in operations.values():
            assert ("security" in operation) == (path not in without_token)


@pytest.mark.parametrize("endpoint", GUARDED, ids=" ".join)
async def test_a_route_refuses_whoever_has_no_token(
    endpoints: tuple[httpx.AsyncClient, Counting], endpoint: tuple[str, str]
) -> None:
    http, engine = endpoints
    before = engine.statements
    for head in (
        {},
        {"Authorization": ""},
        {"Authorization": "Bearer"},
        {"Authorization": "Basic x"},
    ):
        answer = await http.request(*endpoint, headers=head)
        assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (
            401,
            'Bearer realm="shopstream"',
        )
    for name in ("token", "access_token", "jwt", "authorization"):
        assert (await http.request(*endpoint, params={name: signed()})).status_code == 401
    assert (
        await http.request(*endpoint, headers={"Cookie": f"token={signed()}"})
    ).status_code == 401
    assert engine.statements == before


@pytest.mark.parametrize("endpoint", GUARDED, ids=" ".join)
async def test_a_route_refuses_every_token_that_is_not_valid(
    endpoints: tuple[httpx.AsyncClient, Counting], endpoint: tuple[str, str]
) -> None:
    http, engine = endpoints
    before = engine.statements
    for name, token in BAD.items():
        answer = await ask(http, endpoint, token)
        assert answer.status_code == 401, name
        assert answer.headers["WWW-Authenticate"] == (
            'Bearer realm="shopstream", error="invalid_token"'
        )
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert token not in answer.text
    assert engine.statements == before


@pytest.mark.parametrize("endpoint", ABOUT_A_SHOP, ids=" ".join)
async def test_a_refusal_never_says_whether_a_shop_exists(
    endpoints: tuple[httpx.AsyncClient, Counting], endpoint: tuple[str, str]
) -> None:
    http, engine = endpoints
    before = engine.statements
    for algorithm in ("HS256", "RS256", "ES256", "EdDSA"):
        there, not_there, *odd = [
            await ask(http, endpoint, signed(algorithm), shopId=shop)
            for shop in (
                THEIRS,
                NOBODYS,
                "",
                "*",
                MINE.upper(),
                f"{MINE} ",
                f"{MINE}\0",
                f"{MINE},x",
            )
        ]
        assert there.status_code == 403
        assert shown(there) == shown(not_there)
        assert not [one for one in odd if shown(one) != shown(there)]
        assert there.headers.get("Content-Length") == not_there.headers.get("Content-Length")
    assert engine.statements == before


@pytest.mark.parametrize("endpoint", ABOUT_A_SHOP, ids=" ".join)
async def test_a_token_of_no_shop_reaches_none(
    endpoints: tuple[httpx.AsyncClient, Counting], endpoint: tuple[str, str]
) -> None:
    http, _ = endpoints
    nobody = jwt.encode({**claims(), "shops": []}, SECRET, "HS256")
    for query in ({}, {"shopId": THEIRS}):
        assert (await ask(http, endpoint, nobody, **query)).status_code == 403
    several = jwt.encode({**claims(), "shops": [MINE, "sec-second"]}, SECRET, "HS256")
    answer = await ask(http, endpoint, several)
    assert (answer.status_code, answer.json()["parameter"]) == (400, "shopId")
    assert (await ask(http, endpoint, several, shopId=THEIRS)).status_code == 403


@pytest.mark.parametrize("endpoint", GUARDED, ids=" ".join)
async def test_staff_gets_no_further_than_its_role(
    endpoints: tuple[httpx.AsyncClient, Counting], endpoint: tuple[str, str]
) -> None:
    http, engine = endpoints
    before = engine.statements
    if endpoint[1] in ANY_ROLE and endpoint != WRITES:
        # past the role: what is asked is refused for another reason
        answer = await ask(http, endpoint, signed(role="staff"), nothing="1")
        assert (answer.status_code, answer.json()["parameter"]) == (400, "nothing")
        return
    seen = [
        shown(await ask(http, endpoint, signed(role="staff"), **query))
        for query in ({}, {"shopId": MINE}, {"shopId": THEIRS}, {"shopId": NOBODYS})
    ]
    assert seen[0][0] == 403
    assert [one for one in seen if one != seen[0]] == []
    assert engine.statements == before


@pytest.mark.parametrize("endpoint", GUARDED, ids=" ".join)
async def test_a_shop_that_stands_twice_is_refused_whichever_comes_last(
    endpoints: tuple[httpx.AsyncClient, Counting], endpoint: tuple[str, str]
) -> None:
    http, engine = endpoints
    before = engine.statements
    head = {"Authorization": f"Bearer {signed()}"}
    for first, last in ((MINE, THEIRS), (THEIRS, MINE), (MINE, MINE)):
        query = [("shopId", first), ("shopId", last)]
        assert (await http.request(*endpoint, params=query, headers=head)).status_code in (400, 403)
    assert engine.statements == before


@pytest.mark.parametrize("algorithm", ["HS256", "RS256", "ES256", "EdDSA"])
@pytest.mark.parametrize(
    "endpoint", [d for d in GUARDED if d[1] not in ANY_ROLE | {"/presence"}], ids=" ".join
)
async def test_the_owner_of_a_shop_gets_its_numbers(
    endpoints: tuple[httpx.AsyncClient, Counting], endpoint: tuple[str, str], algorithm: str
) -> None:
    http, _ = endpoints
    answer = await ask(http, endpoint, signed(algorithm), shopId=MINE)
    assert (answer.status_code, answer.json()["shopId"]) == (200, MINE)
    forgiven = signed(algorithm, exp=time.time() - 25, nbf=time.time() + 25)
    assert (await ask(http, endpoint, forgiven)).status_code == 200


@pytest.mark.parametrize("size", [HEAD_BYTES // 2, HEAD_BYTES * 16, 8 * 1024 * 1024])
async def test_a_head_without_end_is_cut_off(
    http: httpx.AsyncClient, addresses: Addresses, size: int
) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", addresses.port)
    try:
        writer.write(b"GET /reports/daily-sales HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ")
        sent = 0
        with contextlib.suppress(ConnectionError):
            while sent < size:
                writer.write(b"x" * 8192)
                await writer.drain()
                sent += 8192
            writer.write(b"\r\n\r\n")
            await writer.drain()
        answer = b""
        with contextlib.suppress(ConnectionError):
            answer = await asyncio.wait_for(reader.readline(), 10)
        wanted = {b"401 Unauthorized"} if size < HEAD_BYTES else {b"400 Bad Request", b""}
        assert answer.partition(b" ")[2].strip() in wanted
        assert (await http.get("/health")).status_code == 200
    finally:
        writer.close()


@pytest.mark.parametrize(
    ("sent", "told"),
    [
        (b"no request at all\r\n\r\n", "Invalid HTTP request received."),
        (b"GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n", "Invalid HTTP request received."),
        (
            b"GET / HTTP/1.1\r\nX-Request-Id: mine\r\na b: c\r\n\r\n",
            "Invalid HTTP request received.",
        ),
        (b"GET / HTTP/1.1\r\na: " + b"x" * HEAD_BYTES, "The head of the request is too long."),
    ],
    ids=["no request", "a length", "a name", "too long"],
)
async def test_what_is_no_request_is_a_problem_with_an_id(
    api: Child, addresses: Addresses, sent: bytes, told: str
) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", addresses.port)
    writer.write(sent)
    head, _, text = (await asyncio.wait_for(reader.read(), 10)).partition(b"\r\n\r\n")
    writer.close()
    status, *lines = head.decode().lower().split("\r\n")
    heads = dict(line.split(": ", 1) for line in lines)
    assert status == "http/1.1 400 bad request"
    assert heads["content-type"] == "application/problem+json"
    assert (heads["cache-control"], heads["connection"]) == ("no-store", "close")
    assert int(heads["content-length"]) == len(text)
    assert json.loads(text) == {
        "type": "about:blank",
        "title": "Bad Request",
        "status": 400,
        "detail": told,
        "requestId": heads["x-request-id"],
    }


async def test_a_connection_is_kept_for_many_heads_of_a_fair_size(http: httpx.AsyncClient) -> None:
    for _ in range(8):
        answer = await http.get("/health", headers={"x-padding": "x" * (HEAD_BYTES // 3)})
        assert answer.status_code == 200
