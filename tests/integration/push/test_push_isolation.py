"""Nobody sees an event of another shop, or of another user, over any protocol."""

import asyncio
import json
import os
import random
import urllib.error
import urllib.request
from collections import Counter

import aiohttp
import pytest
from listeners import PROTOCOLS, Refused, Request, listen

from support.events import Sent
from support.system import System

FULL = bool(os.environ.get("SHOPSTREAM_FULL"))
SHOPS, SUBSCRIBERS, EVENTS = (100, 1000, 200_000) if FULL else (30, 150, 5_000)
USERS = ("u1", "u2", "u3")
AT = "2026-11-22T10:15:30Z"


@pytest.fixture(scope="module")
def port(system: System) -> int:
    return system.add_api(
        SHOPSTREAM_STREAMS_PER_ADDRESS="0", SHOPSTREAM_CONNECTIONS_PER_ADDRESS="0"
    )


def shop_of(number: int) -> str:
    """Some names are the beginning of others."""
    return f"iso-{number}" + "x" * (number % 3)


def event(number: int, shop: str, user: str | None) -> Sent:
    head = {"specversion": "1.0", "id": f"e{number}", "source": "/iso", "type": "inventory:updated"}
    named = {} if user is None else {"userid": user}
    # the thing, and fields that mean nothing, name another shop
    data = {
        "productId": shop_of(number + 1),
        "quantity": 1,
        "updatedAt": AT,
        "shopid": shop_of(number + 2),
    }
    value = json.dumps(
        {**head, "shopid": shop, **named, "shopId": shop_of(number + 3), "data": data}
    )
    key = shop_of(number + 1)  # a key that lies
    return Sent(f"{key}/p".encode(), value.encode(), topic="shop.inventory")


async def test_nobody_sees_what_is_not_for_them(system: System, port: int) -> None:
    dice = random.Random(8)
    expected: Counter[tuple[str, str]] = Counter()
    events = []
    for number in range(EVENTS):
        shop, user = shop_of(dice.randrange(SHOPS)), dice.choice((None, *USERS))
        events.append(event(number, shop, user))
        for each in USERS:
            expected[shop, each] += user in (None, each)
    wrong: list[object] = []
    got: Counter[int] = Counter()
    whose: dict[int, tuple[str, str]] = {}
    ready = asyncio.Semaphore(0)

    async def subscribe(session: aiohttp.ClientSession, number: int) -> None:
        shop, user = whose[number]
        token = system.token(shop, user, role="staff")
        more = {}
        if number % 5 == 0:  # a token of two shops says which
            token = system.token(shop, user, shops=[shop_of(number + 1), shop])
            more = {"shopId": shop}
        protocol = PROTOCOLS[number % len(PROTOCOLS)]
        whole = protocol in ("sse", "ws")
        async for name, cursor, data in listen(session, protocol, Request(port, token, more=more)):
            if name == "stream:ready":
                ready.release()
            elif name == "presence:changed":
                if whole and data["shopid"] != shop:
                    wrong.append((number, shop, data))
            elif cursor is None:
                wrong.append((number, name, data))
            else:
                got[number] += 1
                if whole and (data["shopid"] != shop or data.get("userid") not in (None, user)):
                    wrong.append((number, shop, user, data))

    whose.update({n: (shop_of(n % SHOPS), USERS[n // SHOPS % 3]) for n in range(SUBSCRIBERS)})
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector) as session:
        tasks = [asyncio.create_task(subscribe(session, n)) for n in range(SUBSCRIBERS)]
        for _ in range(SUBSCRIBERS):
            await asyncio.wait_for(ready.acquire(), 60)
        await asyncio.to_thread(system.produce, events)
        wanted = {n: expected[whose[n]] for n in range(SUBSCRIBERS)}
        try:
            async with asyncio.timeout(300 if FULL else 90):
                while any(got[n] < wanted[n] for n in wanted):
                    await asyncio.sleep(0.2)
        finally:
            await asyncio.sleep(0.5)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
    print(f"{sum(got.values())} deliveries to {SUBSCRIBERS} subscribers of {SHOPS} shops")
    assert wrong == []
    assert got == Counter(wanted)


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_a_shop_that_the_token_does_not_name_is_refused(
    protocol: str, system: System, port: int
) -> None:
    token = system.token("iso-mine", "u1")
    async with aiohttp.ClientSession() as session:
        for more in ({"shopId": "iso-theirs"}, {"shopId": "iso-min"}, {"shopId": ""}):
            # over a WebSocket the refusal comes before the upgrade
            with pytest.raises((Refused, aiohttp.WSServerHandshakeError)) as refused:
                request = Request(port, token, more=more)
                async for item in listen_strictly(session, protocol, request):
                    raise AssertionError(item)
            assert "403" in str(refused.value), refused.value


@pytest.mark.parametrize("protocol", ["socketio", "polling"])
async def test_a_user_that_is_not_that_of_the_token_is_refused(
    protocol: str, system: System, port: int
) -> None:
    token = system.token("iso-mine", "u1")
    async with aiohttp.ClientSession() as session:
        with pytest.raises(Refused, match="userId"):
            request = Request(port, token, more={"userId": "u2", "shopId": "iso-mine"})
            async for item in listen_strictly(session, protocol, request):
                raise AssertionError(item)
        request = Request(port, token, more={"userId": "u1", "shopId": "iso-mine"})
        async for name, _, _ in listen_strictly(session, protocol, request):
            assert name == "stream:ready"
            break


async def listen_strictly(session: aiohttp.ClientSession, protocol: str, request: Request):  # type: ignore[no-untyped-def]
    """As `listen`, where the refusal of a handshake is not taken for a lost connection."""
    if protocol == "ws":
        url = f"http://127.0.0.1:{request.port}/ws"
        headers = {"Authorization": f"Bearer {request.token}"}
        async with session.ws_connect(url, params=request.query, headers=headers) as socket:
            yield await socket.receive_json()
        return
    async for item in listen(session, protocol, request):
        yield item


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_no_token_or_none_that_is_valid_opens_nothing(
    protocol: str, system: System, port: int
) -> None:
    good = system.token("iso-mine")
    async with aiohttp.ClientSession() as session:
        for token in ("x", "a.b.c", good[:-3], system.token("iso-mine", exp=1), ""):
            with pytest.raises((Refused, aiohttp.WSServerHandshakeError)) as refused:
                async for item in listen_strictly(session, protocol, Request(port, token)):
                    raise AssertionError(item)
            assert "401" in str(refused.value), refused.value


def test_the_history_is_of_the_shop_and_the_user_alone(system: System, port: int) -> None:
    def status(path: str) -> int:
        headers = {"Authorization": f"Bearer {system.token('iso-mine')}"}
        request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code

    assert status("/events/history?shopId=iso-theirs") == 403
    assert status("/events/history?shopId=iso-mine&user=u2") == 400
