"""Slow clients, full processes, and the end of a process with a thousand open streams."""

import asyncio
import json
import os
import re
import signal
import socket
import sys
import time
from pathlib import Path

import aiohttp
import pytest
from listeners import Request, listen

from support.events import Sent
from support.system import System

STREAMS = 1000
STALLED = 100
STALL_LIMIT = 64 * 1024
"""Bytes that one client that reads nothing may hold in the process, and again in the kernel. The write buffer may have
that much; but all hold the same bytes, so it is less."""
EVENTS, PAD = 4000, 3000
"""Were no client paused, all of these would wait: 120 KiB a client, as all hold the same bytes."""
UNLIMITED = {
    f"SHOPSTREAM_{name}": "0"
    for name in ("CONNECTIONS_PER_ADDRESS", "STREAMS_PER_ADDRESS", "STREAMS_PER_USER")
}
IMPATIENT = [
    sys.executable,
    "-c",
    "import ctypes, signal, api.http_protocol as http_protocol\n"
    "http_protocol.STALL_SECONDS = 10.0\n"
    "signal.signal(signal.SIGUSR1, lambda *_: ctypes.CDLL(None).malloc_trim(0))\n"
    "from api.main import run; from shopstream.settings import load; exit(run(load()))",
]
AT = "2026-11-22T10:15:30Z"


def level(shop: str, number: int, pad: int = 0) -> Sent:
    data = {"productId": "p", "quantity": number, "updatedAt": AT, "name": "x" * pad}
    head = {"specversion": "1.0", "id": f"e{number}", "source": "/limits"}
    event = {**head, "type": "inventory:updated", "shopid": shop, "data": data}
    return Sent(f"{shop}/p".encode(), json.dumps(event).encode(), topic="shop.inventory")


def stalled(port: int, token: str) -> socket.socket:
    """A client that reads its first frame, and then nothing."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.connect(("127.0.0.1", port))
    client.sendall(
        f"GET /events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n".encode()
    )
    assert b"200" in client.recv(1024)
    return client


def _resident(system: System, port: int) -> int:
    """Bytes of memory of an API process that are its own, without what was freed."""
    process = system.apis[port].process
    assert process
    process.send_signal(signal.SIGUSR1)
    subscribers(system, port)  # once it answers, it has seen the signal
    text = Path(f"/proc/{process.pid}/status").read_text()
    found = re.search(r"RssAnon:\s+(\d+) kB", text)
    assert found
    return int(found[1]) * 1024


def unsent(port: int) -> list[int]:
    """Bytes that the kernel holds of each connection of a server, which its client has not taken."""
    lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
    fields = [line.split() for line in lines]
    return [int(f[4].split(":")[0], 16) for f in fields if int(f[1].split(":")[1], 16) == port]


def subscribers(system: System, port: int) -> int:
    text = system.get("/metrics", port=port)[1].decode()
    found = re.search(r"^shopstream_push_subscribers (\S+)$", text, re.M)
    assert found
    return int(float(found[1]))


async def test_clients_that_read_nothing_hold_little_and_nobody_else_notices(
    system: System,
) -> None:
    """Two processes push the same events, and one of them also to clients that stall: its memory grows by more, and
    by how much more is what these hold. Each process is that one once, so that neither's own growth counts."""
    ports = [
        await asyncio.to_thread(lambda: system.add_api(IMPATIENT, **UNLIMITED)) for _ in range(2)
    ]
    held = [
        await _held_by_stalled(system, ports[turn], ports[1 - turn], cut_off=turn == 1)
        for turn in range(2)
    ]
    client = sum(memory for memory, _ in held) / 2 / STALLED
    kernel = max(in_kernel for _, in_kernel in held)
    print(f"a stalled client holds {client / 1024:.0f} KiB, and {kernel / 1024:.0f} in the kernel")
    assert max(client, kernel) < STALL_LIMIT


async def _held_by_stalled(
    system: System, port: int, control: int, cut_off: bool
) -> tuple[int, int]:
    """Bytes that all stalled clients hold in the process at `port`, and the most that the kernel holds of one.

    Ends once these clients were cut off, or have gone by themselves, while the one that reads was not.
    """
    shop = f"limits-stalled-{port}"
    token = system.token(shop, role="staff")
    clients = [stalled(port, token) for _ in range(STALLED)]
    seen: dict[int, list[str]] = {port: [], control: []}

    async def read(port: int) -> None:
        async with aiohttp.ClientSession() as session:
            async for name, cursor, data in listen(session, "ws", Request(port, token)):
                seen[port].append(data["id"] if cursor else name)

    async def until_seen(count: int) -> None:
        async with asyncio.timeout(30):
            while min(map(len, seen.values())) < count:
                await asyncio.sleep(0.02)

    reading = [asyncio.create_task(read(port)) for port in seen]
    await until_seen(1)
    before = {port: _resident(system, port) for port in seen}
    await asyncio.to_thread(system.produce, [level(shop, n, PAD) for n in range(EVENTS)])
    await until_seen(1 + EVENTS)
    grown = {port: _resident(system, port) - before[port] for port in seen}
    kernel = max(unsent(port))
    assert subscribers(system, port) == STALLED + 1, "cut off before they were measured"
    expected = ["stream:ready", *(f"e{n}" for n in range(EVENTS))]
    assert list(seen.values()) == [expected, expected]
    if not cut_off:
        for client in clients:
            client.close()
    async with asyncio.timeout(20):
        while subscribers(system, port) > 1:
            await asyncio.sleep(0.2)
    for task in reading:
        assert not task.done()
        task.cancel()
    for client in clients:
        client.close()
    print(f"grown by {grown[port] / 1e6:.1f} MB, the other by {grown[control] / 1e6:.1f}")
    return grown[port] - grown[control], kernel


async def test_a_full_process_refuses_with_a_word_about_when_to_come_back(system: System) -> None:
    limits = {"SHOPSTREAM_STREAMS": "4", "SHOPSTREAM_STREAMS_PER_USER": "2"}
    port = await asyncio.to_thread(lambda: system.add_api(**limits))
    users = [system.token("limits-full", f"u{n}", role="staff") for n in range(4)]
    url = f"http://127.0.0.1:{port}/events"
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector) as session:

        async def open_one(token: str) -> aiohttp.ClientResponse:
            return await session.get(url, headers={"Authorization": f"Bearer {token}"})

        first = [await open_one(users[0]) for _ in range(2)]
        over = await open_one(users[0])
        assert (over.status, over.headers["Retry-After"]) == (429, "5")
        assert (await over.json())["type"] == "urn:shopstream:problem:too-many-streams"
        more = [await open_one(users[1]) for _ in range(2)]
        assert [answer.status for answer in (*first, *more)] == [200] * 4
        full = await open_one(users[2])
        assert (full.status, full.headers["Retry-After"]) == (503, "5")
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await session.ws_connect(
                f"http://127.0.0.1:{port}/socket.io/?EIO=4&transport=websocket"
            )
        assert refused.value.status == 503
        first[0].close()
        async with asyncio.timeout(5):
            while (again := await open_one(users[2])).status != 200:
                await asyncio.sleep(0.05)
        again.close()


async def test_a_process_that_ends_says_goodbye_to_a_thousand_streams(system: System) -> None:
    port, other = await asyncio.to_thread(
        lambda: (system.add_api(**UNLIMITED), system.add_api(**UNLIMITED))
    )
    shop = "limits-end"
    token = system.token(shop, role="staff")
    goodbyes: dict[int, str] = {}
    ready = asyncio.Semaphore(0)

    async def hold(session: aiohttp.ClientSession, number: int) -> None:
        protocol = ("sse", "ws", "socketio")[number % 3]
        async for name, _, data in listen(session, protocol, Request(port, token)):
            if name == "stream:ready":
                ready.release()
            if name == "stream:bye":
                assert data["reason"] == "shutdown"
                goodbyes[number] = data["cursor"]

    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector) as session:
        holding = [asyncio.create_task(hold(session, n)) for n in range(STREAMS)]
        for _ in range(STREAMS):
            await asyncio.wait_for(ready.acquire(), 60)
        process = system.apis[port].process
        assert process
        begun = time.monotonic()
        os.kill(process.pid, signal.SIGTERM)
        code = await asyncio.to_thread(process.wait, 10)
        took = time.monotonic() - begun
        system.apis[port].wanted = False
        await asyncio.wait_for(asyncio.gather(*holding), 10)
        await asyncio.to_thread(system.produce, [level(shop, n) for n in range(5)])
        print(f"gone after {took:.2f} s")
        assert (code, len(goodbyes), len(set(goodbyes.values()))) == (0, STREAMS, 1)
        for protocol in ("sse", "ws", "socketio"):
            found = []
            async for name, cursor, data in listen(
                session, protocol, Request(other, token, goodbyes[0])
            ):
                found.append(data["id"] if cursor else name)
                if len(found) == 6:
                    break
            assert found == ["stream:ready", *(f"e{n}" for n in range(5))]
