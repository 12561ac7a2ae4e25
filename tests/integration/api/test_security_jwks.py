"""An API process beside an identity provider that comes, goes, changes its keys, and misbehaves."""

import asyncio
import json
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from api_harness import Addresses, Child, Kafka, api_child, eventually

from api.access import Access
from api.jwks import ASK_SECONDS, KEEP_SECONDS, FetchFault, Jwks
from api.jwks_http import MOST_BYTES, KeyAddress
from clickhouse.client import ClickHouseClient
from provider.apps import application, client
from provider.server import KeyServer
from provider.signing import Pair
from shopstream.settings import Settings
from support.processes import free_port

DAY = "/reports/daily-sales"
OLD, NEW = Pair("RS256", "old"), Pair("ES256", "new")


@pytest.fixture
def keys() -> KeyServer:
    return KeyServer([OLD], port=free_port())


@asynccontextmanager
async def process(
    folder: Path, addresses: Addresses, keys: KeyServer, **more: Any
) -> AsyncIterator[tuple[httpx.AsyncClient, Child]]:
    """An API that takes its keys from there and has no secret."""
    port = free_port()
    child = api_child(
        folder,
        port,
        jwks_url=keys.url,
        clickhouse_url=addresses.clickhouse,
        kafka_bootstrap=addresses.kafka,
        **{"jwt_secret": None, **more},
    )
    child.start()
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=10) as http:
            await eventually(
                lambda: http.get("/health"), lambda answer: answer.status_code == 200, 30
            )
            yield http, child
    finally:
        if child.process and child.process.poll() is None:
            child.stop(signal.SIGTERM)


def head(pair: Pair, **claims: Any) -> dict[str, str]:
    return {"Authorization": f"Bearer {pair.token(**claims)}"}


async def test_a_start_without_the_provider_recovers_by_itself(
    tmp_path: Path, addresses: Addresses, engine: ClickHouseClient, broker: Kafka, keys: KeyServer
) -> None:
    async with process(tmp_path, addresses, keys) as (http, child):
        answer = await http.get(DAY, headers=head(OLD))
        assert (answer.status_code, answer.json()["type"]) == (
            503,
            "urn:shopstream:problem:keys-unavailable",
        )
        assert int(answer.headers["Retry-After"]) >= 1
        assert (await http.get(DAY)).status_code == 401
        assert (await http.get(DAY, headers={"Authorization": "Bearer x"})).status_code == 401
        ready = await http.get("/ready")
        assert ready.status_code == 503
        assert ready.json()["keys"].startswith(
            "The keys of the tokens cannot be fetched: 127.0.0.1"
        )
        async with keys.open():
            await eventually(
                lambda: http.get(DAY, headers=head(OLD)), lambda got: got.status_code == 200, 30
            )
            assert (await http.get("/ready")).json()["keys"] == "ok"
            ticket = await http.post("/auth/ticket", headers=head(OLD))
            refused = await http.get(f"/events?shopId=x&ticket={ticket.json()['ticket']}")
        assert (ticket.status_code, refused.status_code) == (200, 403)
    assert "cannot be fetched: 127.0.0.1: ClientConnectorError" in child.text()


@dataclass
class Clock:
    """The real one, with what a test puts before it."""

    ahead: float = 0.0

    def __call__(self) -> float:
        return time.monotonic() + self.ahead


@asynccontextmanager
async def here(
    engine: ClickHouseClient, keys: KeyServer, clock: Clock
) -> AsyncIterator[httpx.AsyncClient]:
    """The API in this process, after its first fetch."""
    jwks = Jwks(KeyAddress(keys.url).fetch, clock)
    task = asyncio.create_task(jwks.run())
    app = application(engine, Access(Settings(), jwks), keys=jwks)
    try:
        async with client(app) as http:
            assert (await http.get(DAY, headers=head(OLD))).status_code == 200
            yield http
    finally:
        task.cancel()
        await asyncio.wait({task})


async def test_a_new_key_is_found_without_a_single_refusal_and_junk_asks_nobody(
    engine: ClickHouseClient, keys: KeyServer
) -> None:
    clock = Clock()
    async with keys.open(), here(engine, keys, clock) as http:
        clock.ahead += ASK_SECONDS
        keys.pairs = [NEW]
        found = await asyncio.gather(*(http.get("/stock", headers=head(NEW)) for _ in range(50)))
        assert [answer.status_code for answer in found] == [200] * 50
        assert keys.asked == 2
        junk = [Pair("RS256", f"junk-{n}") for n in range(200)]
        begun = time.monotonic()
        found = await asyncio.gather(*(http.get(DAY, headers=head(each)) for each in junk))
        assert {answer.status_code for answer in found} == {401}
        assert keys.asked <= 2 + (time.monotonic() - begun) // ASK_SECONDS
        assert (await http.get(DAY, headers=head(OLD))).status_code == 401


async def test_the_last_keys_serve_while_the_provider_is_down(
    engine: ClickHouseClient, keys: KeyServer
) -> None:
    clock = Clock()
    async with keys.open(), here(engine, keys, clock) as http:
        keys.status = 500
        clock.ahead += ASK_SECONDS
        # an unknown key makes it ask, and only then it knows
        assert (await http.get(DAY, headers=head(NEW))).status_code == 503
        assert (await http.get(DAY, headers=head(OLD))).status_code == 200
        ready = await http.get("/ready")
        assert ready.status_code == 200
        assert "The last ones serve for another 24.0 h." in ready.json()["keys"]
        clock.ahead += KEEP_SECONDS
        assert (await http.get(DAY, headers=head(OLD))).status_code == 503
        assert (await http.get("/ready")).status_code == 503
        keys.status, keys.pairs = 200, [OLD, NEW]
        await eventually(
            lambda: http.get(DAY, headers=head(NEW)), lambda got: got.status_code == 200, 30
        )


async def test_a_provider_that_hangs_holds_up_nobody_else(
    tmp_path: Path, addresses: Addresses, engine: ClickHouseClient, broker: Kafka, keys: KeyServer
) -> None:
    keys.stuck = True
    secret = "s" * 40
    async with keys.open(), process(tmp_path, addresses, keys, jwt_secret=secret) as (http, _):
        waiting = [asyncio.create_task(http.get(DAY, headers=head(OLD))) for _ in range(40)]
        await asyncio.sleep(0.1)
        assert (await http.get("/health")).status_code == 200
        assert not any(task.done() for task in waiting)
        found = await asyncio.gather(*waiting)
        assert {answer.status_code for answer in found} == {503}
        assert keys.asked <= 3


async def objects(child: Child) -> list[str]:
    """Whole lines of JSON that it wrote."""
    return [line for line in child.text().split("\n")[:-1] if line.startswith("{")]


async def test_the_access_log_is_json_on_standard_output(
    tmp_path: Path, addresses: Addresses, engine: ClickHouseClient, broker: Kafka, keys: KeyServer
) -> None:
    async with (
        keys.open(),
        process(tmp_path, addresses, keys, access_log="true", rate_limit="0.5") as (http, child),
    ):
        sent = {**head(OLD), "X-Request-Id": "r1"}
        assert (await http.get(f"{DAY}?date=2026-11-22", headers=sent)).status_code == 200
        assert (await http.get(DAY, headers=sent)).status_code == 429
        lines = await eventually(lambda: objects(child), lambda found: len(found) > 1)
    first = json.loads(lines[0])
    assert (first["path"], first["status"], first["shop"], first["sub"]) == (DAY, 200, "s1", "u1")
    assert (first["requestId"], json.loads(lines[1])["status"]) == ("r1", 429)


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ({"status": 404}, "127.0.0.1 answers with status 404"),
        ({"status": 302, "headers": {"Location": "/keys"}}, "127.0.0.1 answers with status 302"),
        ({"content": b"<html>"}, "127.0.0.1: the answer is no set of keys"),
        ({"content": b"x" * (MOST_BYTES + 1)}, "127.0.0.1 sends more than 512 KiB"),
        ({"pairs": [Pair("RS256", said={"use": "enc"})]}, "127.0.0.1: none of the keys is for"),
    ],
)
async def test_an_answer_without_keys_is_a_fault_with_a_reason(
    keys: KeyServer, fault: dict[str, Any], reason: str
) -> None:
    for name, value in fault.items():
        setattr(keys, name, value)
    async with keys.open():
        with pytest.raises(FetchFault, match=f"^{reason}"):
            await KeyAddress(keys.url.replace("//", "//user:password@")).fetch()


async def test_how_long_keys_are_fresh_is_read_from_the_answer(keys: KeyServer) -> None:
    keys.headers = {"Cache-Control": "public, max-age=600"}
    async with keys.open():
        found = await KeyAddress(keys.url).fetch()
    assert (found.fresh, [key.kid for key in found.keys]) == (600, ["old"])


async def test_an_address_that_never_answers_is_given_up(
    keys: KeyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.jwks_http.TIMEOUT_SECONDS", 0.1)
    keys.stuck = True
    async with keys.open():
        with pytest.raises(FetchFault, match=r"^127\.0\.0\.1 does not answer within 0\.1 s$"):
            await KeyAddress(keys.url).fetch()
