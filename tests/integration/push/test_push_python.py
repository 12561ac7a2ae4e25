"""`shopstream.stream` beside the real API: it comes back by itself, and tells what cannot be had."""

import asyncio
import json
import random
import secrets
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager

import pytest

import shopstream
from shopstream import StreamEvent, StreamRefused, StreamReset, consumer
from support.cutting import CuttingProxy
from support.events import Sent
from support.system import System

AT = "2026-11-22T10:15:30Z"


@pytest.fixture(scope="module", params=["direct", "asgi"])
def port(request: pytest.FixtureRequest, system: System) -> int:
    return system.add_api(SHOPSTREAM_PUSH_DIRECT=str(request.param == "direct"))


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(consumer, "LONGEST_WAIT", 0.3)


def level(shop: str, number: int) -> Sent:
    data = {"productId": "p", "quantity": number, "updatedAt": AT}
    head = {"specversion": "1.0", "id": f"e{number}", "source": "/py", "type": "inventory:updated"}
    event = {**head, "shopid": shop, "time": AT, "data": data}
    return Sent(f"{shop}/p".encode(), json.dumps(event).encode(), topic="shop.inventory")


@asynccontextmanager
async def gathering(url: str, token: str, **more: str) -> AsyncIterator[list[object]]:
    """What a consumer has got so far."""
    found: list[object] = []

    async def gather() -> None:
        async with aclosing(shopstream.stream(url, token=token, **more)) as items:
            async for item in items:
                found.append(item)

    task = asyncio.create_task(gather())
    try:
        yield found
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until(what: object, within: float = 30) -> None:
    async with asyncio.timeout(within):
        while not what():  # type: ignore[operator]
            await asyncio.sleep(0.02)


def streams(system: System, port: int) -> str:
    text = system.get("/metrics", port=port)[1].decode()
    return next(x for x in text.splitlines() if x.startswith("shopstream_push_subscribers "))


async def test_events_come_typed_and_the_end_closes_the_connection(
    system: System, port: int
) -> None:
    shop = f"python-{secrets.token_hex(3)}"
    token = system.token(shop, role="staff")
    async with gathering(f"http://127.0.0.1:{port}/", token) as found:
        await until(lambda: streams(system, port).endswith(" 1.0"))
        await asyncio.to_thread(system.produce, [level(shop, 7)])
        await until(lambda: found)
    (event,) = found
    assert isinstance(event, StreamEvent)
    assert (event.type, event.id, event.source, event.time) == (
        "inventory:updated",
        "e7",
        "/py",
        AT,
    )
    assert (event.data["quantity"], event.user) == (7, None)
    assert json.loads(event.raw)["data"] == event.data
    await until(lambda: streams(system, port).endswith(" 0.0"))
    # the kept cursor goes on right after it
    await asyncio.to_thread(system.produce, [level(shop, 8)])
    async with gathering(f"http://127.0.0.1:{port}", token, cursor=str(event.cursor)) as found:
        await until(lambda: found)
        assert [each.id for each in found if isinstance(each, StreamEvent)] == ["e8"]


async def test_no_event_is_lost_or_comes_twice_over_a_bad_network(
    system: System, port: int
) -> None:
    shop = f"python-{secrets.token_hex(3)}"
    token = system.token(shop, role="staff")
    proxy = CuttingProxy(port, random.Random(3), (0.05, 0.5))
    await until(lambda: streams(system, port).endswith(" 0.0"))  # none is left of another test
    async with proxy as through, gathering(f"http://127.0.0.1:{through}", token) as found:
        await until(lambda: streams(system, port).endswith(" 1.0"))
        for number in range(100):
            await asyncio.to_thread(system.produce, [level(shop, number)])
            await asyncio.sleep(0.03)
        proxy.cutting = False
        await until(lambda: len(found) >= 100)
    assert [each.id for each in found if isinstance(each, StreamEvent)] == [
        f"e{number}" for number in range(100)
    ]
    assert proxy.cuts > 5


async def test_what_cannot_be_had_is_told(system: System, port: int) -> None:
    token = system.token("python-reset", role="staff")
    async with gathering(f"http://127.0.0.1:{port}", token, cursor="nonsense") as found:
        await until(lambda: found)
    (reset,) = found
    assert isinstance(reset, StreamReset)
    assert reset.reason == "the cursor is not one of this API"


async def test_a_refusal_is_an_error_and_a_server_that_is_away_is_waited_for(
    system: System, port: int
) -> None:
    url = f"http://127.0.0.1:{port}"
    for token, shop, status in (("x", None, 401), (system.token("a"), "b", 403)):
        with pytest.raises(StreamRefused) as refused:
            async for _ in shopstream.stream(url, token=token, shop=shop):
                raise AssertionError
        assert refused.value.status == status
    with pytest.raises(StreamRefused, match="types"):
        async for _ in shopstream.stream(url, token=system.token("a"), types=["no:such"]):
            raise AssertionError
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(1):
            async for _ in shopstream.stream("http://127.0.0.1:9", token="x"):
                raise AssertionError
