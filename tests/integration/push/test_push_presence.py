"""Who is connected, over two API processes and every protocol."""

import asyncio
import json
import sys
import time
from typing import Any

import aiohttp
import pytest
from listeners import PROTOCOLS, Item, Request, listen

from support.system import System

QUICK = [
    sys.executable,
    "-c",
    "import api.push.presence as presence\n"
    "presence.SNAPSHOT_SECONDS, presence.SILENT_SECONDS = 1.0, 3.0\n"
    "from api.main import run; from shopstream.settings import load; exit(run(load()))",
]


@pytest.fixture(scope="module")
def ports(system: System) -> tuple[int, int]:
    return system.add_api(QUICK), system.add_api(QUICK)


def present(system: System, port: int, shop: str) -> Any:
    status, body = system.get("/presence", [shop], port)
    assert status == 200
    return json.loads(body)


async def until(system: System, port: int, shop: str, wanted: dict[str, int]) -> None:
    """The users of the shop, by connections, as the process at `port` tells."""
    end = time.monotonic() + 15
    while True:
        found = await asyncio.to_thread(present, system, port, shop)
        users = {each["userId"]: each["connections"] for each in found["users"]}
        if users == wanted:
            assert found["connections"] == sum(wanted.values())
            return
        assert time.monotonic() < end, found
        await asyncio.sleep(0.05)


class Listening:
    """A client that stays."""

    def __init__(self, protocol: str, request: Request) -> None:
        self.items: list[Item] = []
        self._task = asyncio.create_task(self._run(protocol, request))

    async def _run(self, protocol: str, request: Request) -> None:
        async with aiohttp.ClientSession() as session:
            async for item in listen(session, protocol, request):
                self.items.append(item)

    async def stop(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    def changes(self) -> list[dict[str, Any]]:
        assert all(cursor is None for name, cursor, _ in self.items if name == "presence:changed")
        return [data["data"] for name, _, data in self.items if name == "presence:changed"]


async def test_users_are_counted_over_protocols_and_processes_and_admins_are_told(
    system: System, ports: tuple[int, int]
) -> None:
    shop = "presence-all"
    admins = [
        Listening(protocol, Request(ports[0], system.token(shop, "boss"))) for protocol in PROTOCOLS
    ]
    for port in ports:
        await until(system, port, shop, {"boss": 4})
    clerk = system.token(shop, "clerk", role="staff")
    clerks = [Listening("ws", Request(port, clerk)) for port in ports]
    for port in ports:
        await until(system, port, shop, {"boss": 4, "clerk": 2})
    await clerks[0].stop()
    for port in ports:
        await until(system, port, shop, {"boss": 4, "clerk": 1})
    wanted = {
        "connections": 5,
        "users": [{"userId": "boss", "connections": 4}, {"userId": "clerk", "connections": 1}],
    }
    async with asyncio.timeout(10):
        while not all(one.changes() and one.changes()[-1] == wanted for one in admins):
            await asyncio.sleep(0.05)
    assert clerks[1].changes() == []
    for one in (*admins, clerks[1]):
        await one.stop()
    for port in ports:
        await until(system, port, shop, {})


async def test_the_users_of_a_killed_process_disappear(
    system: System, ports: tuple[int, int]
) -> None:
    shop = "presence-killed"
    doomed = await asyncio.to_thread(system.add_api, QUICK)
    one = Listening("sse", Request(doomed, system.token(shop, "ann")))
    two = Listening("sse", Request(ports[0], system.token(shop, "bob")))
    for port in ports:
        await until(system, port, shop, {"ann": 1, "bob": 1})
    system.apis[doomed].kill()
    for port in ports:
        await until(system, port, shop, {"bob": 1})
    late = await asyncio.to_thread(system.add_api, QUICK)
    await until(system, late, shop, {"bob": 1})
    system.apis[late].stop()
    for each in (one, two):
        await each.stop()


def test_only_admins_of_the_shop_may_know(system: System, ports: tuple[int, int]) -> None:
    assert system.get("/presence?shopId=presence-theirs", ["presence-mine"], ports[0])[0] == 403
    status, _ = system.ask("/presence", system.token("presence-mine", role="staff"), ports[0])
    assert status == 403
