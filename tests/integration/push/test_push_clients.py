"""The stock clients of the field beside our own: all see the same sequence, with the same cursors."""

import asyncio
import json
import random
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from listeners import PROTOCOLS, Request, listen

from support import foreign
from support.cutting import CuttingProxy
from support.events import Sent
from support.system import System

KINDS = ("eventsource", "websocket", "polling", "upgrade")
"""Of tests/integration/push/node."""
AT = "2026-11-22T10:15:30Z"


@pytest.fixture(scope="module")
def port(system: System) -> int:
    return system.add_api(SHOPSTREAM_STREAMS_PER_USER="0")


@pytest.fixture(scope="module")
def program() -> Path:
    source = Path(__file__).with_name("node")
    return foreign.made(source, ("node", "npm"), foreign.node) / "listen.mjs"


class Client:
    """A Node process that listens."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.items: list[dict[str, Any]] = []

    async def read(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout
        async for line in process.stdout:
            self.items.append(json.loads(line))

    def events(self) -> list[tuple[str, str]]:
        return [(item["id"], item["cursor"]) for item in self.items if "cursor" in item]

    def named(self, name: str) -> list[dict[str, Any]]:
        return [item for item in self.items if item["name"] == name]


@asynccontextmanager
async def node(
    program: Path,
    kind: str,
    port: int,
    token: str,
    shop: str,
    user: str = "u1",
    types: str = "",
) -> AsyncIterator[Client]:
    """Ready, or refused."""
    command = ("node", str(program), kind, f"http://127.0.0.1:{port}", token, user, shop, types)
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    client = Client(kind)
    reading = asyncio.create_task(client.read(process))
    try:
        async with asyncio.timeout(30):
            while not client.items:
                await asyncio.sleep(0.02)
        yield client
    finally:
        with suppress(ProcessLookupError):  # one that was refused ends by itself
            process.kill()
        await process.wait()
        reading.cancel()


def level(shop: str, number: int, user: str | None = None) -> Sent:
    data = {"productId": f"p{number % 5}", "quantity": number, "updatedAt": AT}
    head = {"specversion": "1.0", "id": f"e{number}", "source": "/clients"}
    named = {} if user is None else {"userid": user}
    event = {**head, "type": "inventory:updated", "shopid": shop, **named, "data": data}
    key = f"{shop}/p{number % 5}".encode()
    return Sent(key, json.dumps(event).encode(), topic="shop.inventory")


async def until(what: Any, within: float = 60) -> None:
    async with asyncio.timeout(within):
        while not what():
            await asyncio.sleep(0.05)


async def test_every_client_sees_the_same_sequence_with_the_same_cursors(
    system: System, port: int, program: Path
) -> None:
    shop = "clients-same"
    token = system.token(shop, "u1", role="staff")
    ours: dict[str, list[tuple[str, str]]] = {"sse": [], "ws": []}
    ready = asyncio.Semaphore(0)

    async def hear(protocol: str) -> None:
        async with aiohttp.ClientSession() as session:
            async for name, cursor, data in listen(session, protocol, Request(port, token)):
                if cursor:
                    ours[protocol].append((data["id"], cursor))
                elif name == "stream:ready":
                    ready.release()

    listening = [asyncio.create_task(hear(protocol)) for protocol in ours]
    async with (
        node(program, KINDS[0], port, token, shop) as one,
        node(program, KINDS[1], port, token, shop) as two,
        node(program, KINDS[2], port, token, shop) as three,
        node(program, KINDS[3], port, token, shop) as four,
    ):
        for _ in ours:
            await ready.acquire()
        for start in range(0, 200, 20):
            events = [
                level(shop, n, "u2" if n % 10 == 9 else None) for n in range(start, start + 20)
            ]
            await asyncio.to_thread(system.produce, events)
        mine = {f"e{n}" for n in range(200) if n % 10 != 9}
        clients = (one, two, three, four)
        await until(lambda: all(len(c.events()) >= len(mine) for c in clients))
        await until(lambda: len(ours["sse"]) >= len(mine) and len(ours["ws"]) >= len(mine))
        assert {event for event, _ in ours["sse"]} == mine
        assert ours["ws"] == ours["sse"]
        assert four.named("upgrade") == [{"name": "upgrade", "transport": "websocket"}]
        for client in clients:
            assert client.events() == ours["sse"], client.kind
            assert [item["data"]["complete"] for item in client.named("stream:ready")] == [True]
    for task in listening:
        task.cancel()


def supplier(shop: str, number: int) -> Sent:
    data = {"supplierId": f"s{number}", "name": "Tea & Co", "updatedAt": AT}
    head = {"specversion": "1.0", "id": f"s{number}", "source": "/clients"}
    event = {**head, "type": "supplier:updated", "shopid": shop, "data": data}
    return Sent(f"{shop}/s{number}".encode(), json.dumps(event).encode(), topic="shop.suppliers")


@pytest.mark.parametrize("kind", KINDS)
async def test_a_client_that_asks_for_some_types_gets_these(
    kind: str, system: System, port: int, program: Path
) -> None:
    shop = f"clients-types-{kind}"
    token = system.token(shop, "u1", role="staff")
    async with node(program, kind, port, token, shop, types="supplier:updated") as client:
        await until(lambda: client.named("stream:ready"))
        mixed = [each for n in range(20) for each in (level(shop, n), supplier(shop, n))]
        await asyncio.to_thread(system.produce, mixed)
        await until(lambda: len(client.events()) >= 20)
        assert {item["name"] for item in client.items if "cursor" in item} == {"supplier:updated"}
        assert {event for event, _ in client.events()} == {f"s{n}" for n in range(20)}


async def test_the_same_holds_where_streams_are_ordinary_responses(
    system: System, program: Path
) -> None:
    port = await asyncio.to_thread(lambda: system.add_api(SHOPSTREAM_PUSH_DIRECT="false"))
    shop = "clients-asgi"
    token = system.token(shop, "u1", role="staff")
    ours: dict[str, list[tuple[str, str]]] = {protocol: [] for protocol in PROTOCOLS}
    ready = asyncio.Semaphore(0)

    async def hear(protocol: str) -> None:
        async with aiohttp.ClientSession() as session:
            async for name, cursor, data in listen(session, protocol, Request(port, token)):
                if cursor:
                    ours[protocol].append((data["id"], cursor))
                elif name == "stream:ready":
                    ready.release()

    listening = [asyncio.create_task(hear(protocol)) for protocol in PROTOCOLS]
    async with (
        node(program, "websocket", port, token, shop) as one,
        node(program, "upgrade", port, token, shop) as two,
    ):
        for _ in PROTOCOLS:
            await asyncio.wait_for(ready.acquire(), 20)
        for start in range(0, 100, 10):
            await asyncio.to_thread(
                system.produce, [level(shop, n) for n in range(start, start + 10)]
            )
        await until(lambda: all(len(c.events()) >= 100 for c in (one, two)))
        await until(lambda: all(len(found) >= 100 for found in ours.values()))
        for protocol, found in ours.items():
            assert found == ours["sse"], protocol
        assert one.events() == two.events() == ours["sse"]
    for task in listening:
        task.cancel()


async def test_every_client_goes_on_where_it_was_cut_off(
    system: System, port: int, program: Path
) -> None:
    seed = secrets.randbelow(10**6)
    print("seed", seed)
    dice, shop = random.Random(seed), "clients-cut"
    token = system.token(shop, "u1", role="staff")
    proxy = CuttingProxy(port, dice, (0.3, 1.5))
    async with (
        proxy as through,
        node(program, KINDS[0], through, token, shop) as one,
        node(program, KINDS[1], through, token, shop) as two,
        node(program, KINDS[2], through, token, shop) as three,
        node(program, KINDS[3], through, token, shop) as four,
    ):
        clients = (one, two, three, four)
        await until(lambda: all(c.named("stream:ready") for c in clients))
        for start in range(0, 150, 5):
            await asyncio.to_thread(
                system.produce, [level(shop, n) for n in range(start, start + 5)]
            )
            await asyncio.sleep(dice.uniform(0.05, 0.4))
        proxy.cutting = False
        wanted = {f"e{n}" for n in range(150)}
        missing = {}

        def all_there() -> bool:
            missing.update({c.kind: sorted(wanted - {e for e, _ in c.events()}) for c in clients})
            return not any(missing.values())

        try:
            await until(all_there, 30)
        except TimeoutError:
            raise AssertionError(missing, [c.items[-3:] for c in clients]) from None
        for client in clients:
            assert client.named("stream:reset") == []
            ids = [event for event, _ in client.events()]
            # a client that is cut off before it has told its cursor may get an event twice; none is passed over
            for product in range(5):
                numbers = [int(e[1:]) for e in dict.fromkeys(ids) if int(e[1:]) % 5 == product]
                assert numbers == sorted(numbers), client.kind
            # one that polls may live between two cuts
            assert len(client.named("stream:ready")) > 1 or client.kind == "polling", client.kind
    assert proxy.cuts > 10


@pytest.mark.parametrize("kind", ["websocket", "polling"])
async def test_a_refusal_says_why(kind: str, system: System, port: int, program: Path) -> None:
    good = system.token("clients-mine", "u1")
    for token, user, shop, status in (
        ("x.y.z", "u1", "clients-mine", 401),
        (good, "u1", "clients-theirs", 403),
        (good, "u2", "clients-mine", 403),
    ):
        async with node(program, kind, port, token, shop, user) as client:
            (error, *_) = client.named("connect_error")
            assert error["data"]["status"] == status
            assert len(error["message"]) > 10
