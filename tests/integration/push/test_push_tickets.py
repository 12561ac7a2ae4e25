"""Tickets over several API processes, and the cookie with which an EventSource comes back."""

import asyncio
import time
from http.cookies import SimpleCookie

import aiohttp
import pytest

from support.system import System


@pytest.fixture(scope="module")
def ports(system: System) -> tuple[int, int]:
    return system.add_api(), system.add_api()


async def issue(
    session: aiohttp.ClientSession, port: int, token: str, **headers: str
) -> tuple[str, aiohttp.ClientResponse]:
    url = f"http://127.0.0.1:{port}/auth/ticket"
    async with session.post(url, headers={"Authorization": f"Bearer {token}", **headers}) as answer:
        assert answer.status == 200
        return (await answer.json())["ticket"], answer


def cookies_of(answer: aiohttp.ClientResponse) -> dict[str, str]:
    found: SimpleCookie = SimpleCookie()
    for line in answer.headers.getall("Set-Cookie"):
        found.load(line)
    return {name: morsel.value for name, morsel in found.items()}


async def opened(port: int, ticket: str, cookies: dict[str, str] | None = None) -> int:
    """The status of `GET /events` with a ticket."""
    jar = aiohttp.DummyCookieJar()
    async with aiohttp.ClientSession(cookie_jar=jar) as session:
        head = {"Cookie": "; ".join(f"{n}={v}" for n, v in (cookies or {}).items())}
        url = f"http://127.0.0.1:{port}/events"
        async with session.get(url, params={"ticket": ticket}, headers=head) as answer:
            return answer.status


async def test_a_ticket_serves_once_over_all_processes(
    system: System, ports: tuple[int, int]
) -> None:
    token = system.token("ticket-shop", "u1", role="staff")
    async with aiohttp.ClientSession() as session:
        for _ in range(20):
            ticket, _answer = await issue(session, ports[0], token)
            tries = (opened(port, ticket) for port in (*ports, *ports))
            found = await asyncio.gather(*tries)
            assert sorted(found) == [200, 401, 401, 401]


async def test_a_used_ticket_serves_at_any_process_with_its_cookie_alone(
    system: System, ports: tuple[int, int]
) -> None:
    token = system.token("ticket-shop", "u1", role="staff")
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
        ticket, answer = await issue(session, ports[0], token)
        other, others = await issue(session, ports[1], token)
    mine, theirs = cookies_of(answer), cookies_of(others)
    for port in (*ports, *ports):
        assert await opened(port, ticket, mine) == 200
    for cookies in ({}, theirs, dict(zip(mine, theirs.values(), strict=True))):
        assert await opened(ports[0], ticket, cookies) == 401
    assert await opened(ports[1], other) == 200
    assert await opened(ports[1], other, mine) == 401


async def test_the_cookie_is_for_push_alone_and_ends_with_the_token(
    system: System, ports: tuple[int, int]
) -> None:
    token = system.token("ticket-shop", "u1", exp=time.time() + 300)
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
        _ticket, answer = await issue(session, ports[0], token)
        lines = answer.headers.getall("Set-Cookie")
        assert [line.partition("Path=")[2].partition(";")[0] for line in lines] == [
            "/events",
            "/ws",
            "/socket.io",
        ]
        for line in lines:
            assert "HttpOnly" in line
            assert "SameSite=strict" in line
            age = int(line.partition("Max-Age=")[2].partition(";")[0])
            assert 300 <= age <= 330
        cookie = "; ".join(f"{n}={v}" for n, v in cookies_of(answer).items())
        for path in ("/reports/daily-sales", "/stock", "/events", "/ws", "/events/history"):
            url = f"http://127.0.0.1:{ports[0]}{path}"
            async with session.get(url, headers={"Cookie": cookie}) as refused:
                assert refused.status == 401
        url = f"http://127.0.0.1:{ports[0]}/events?token={token}"
        async with session.get(url) as refused:
            assert refused.status == 401


async def test_a_page_of_another_origin_needs_leave(system: System) -> None:
    port = await asyncio.to_thread(
        lambda: system.add_api(
            SHOPSTREAM_CORS_ORIGINS="https://app.test", SHOPSTREAM_COOKIE_CROSS_SITE="true"
        )
    )
    token = system.token("ticket-shop", "u1")
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
        _ticket, answer = await issue(session, port, token, Origin="https://app.test")
        assert answer.headers["Access-Control-Allow-Credentials"] == "true"
        assert answer.headers["Access-Control-Allow-Origin"] == "https://app.test"
        assert all(
            "SameSite=none" in c and "Secure" in c for c in answer.headers.getall("Set-Cookie")
        )
        _ticket, answer = await issue(session, port, token, Origin="https://evil.test")
        assert "Access-Control-Allow-Origin" not in answer.headers
        for path in ("/events", "/ws", "/socket.io/?EIO=4&transport=polling"):
            url = f"http://127.0.0.1:{port}{path}"
            head = {"Authorization": f"Bearer {token}", "Origin": "https://evil.test"}
            async with session.get(url, headers=head) as refused:
                assert refused.status == 403
