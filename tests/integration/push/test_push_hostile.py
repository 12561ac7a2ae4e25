"""Clients that break every rule: the others notice nothing, and nothing of them stays."""

import asyncio
import json
import random
import secrets
import socket
from contextlib import suppress

import aiohttp
import pytest
from listeners import Request, listen

from support.events import Sent
from support.system import System

PACKETS = (b"40{}", b"40", b"40[", b"41", b"1", b"2probe", b"5", b"3", b"6", b"4", b"", b"42[1]")
PACKETS += (
    b"40/x,{}",
    b"\xff\xfe",
    b'40{"token":7}',
    b"451-[]",
    b'{"subscribe":["order:created"]}',
)
PACKETS += (b'{"subscribe":[[]]}', b"[" * 3000, b"9" * 5000)


@pytest.fixture(scope="module", params=["direct", "asgi"])
def port(request: pytest.FixtureRequest, system: System) -> int:
    nobody_counts = {"SHOPSTREAM_STREAMS_PER_ADDRESS": "0", "SHOPSTREAM_STREAMS_PER_USER": "0"}
    return system.add_api(SHOPSTREAM_PUSH_DIRECT=str(request.param == "direct"), **nobody_counts)


def frame(dice: random.Random, payload: bytes) -> bytes:
    """Mostly as a client sends it."""
    opcode, size = dice.choice((1, 1, 1, 1, 0, 2, 8, 9, 10, 3, 15)), len(payload)
    head = bytes((dice.choice((0x80, 0x80, 0x80, 0, 0xC0)) | opcode,))
    if dice.random() < 0.03:
        return head + b"\xff" + dice.randbytes(8)
    if size < 126:
        head += bytes((0x80 | size,))
    else:
        head += b"\xfe" + size.to_bytes(2, "big")
    return head + b"\0\0\0\0" + payload


def hostile(port: int, token: str, dice: random.Random, sid: str) -> None:
    """One connection; blocks."""
    path = dice.choice(
        (
            "/ws",
            "/ws?cursor=AgAA",
            "/socket.io/?EIO=4&transport=websocket",
            f"/socket.io/?EIO=4&transport=websocket&sid={sid}",
            f"/socket.io/?EIO=4&transport=websocket&sid={sid}",
            "/socket.io/?EIO=3&transport=websocket",
            "/events",
        )
    )
    head = f"GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n"
    if path != "/events":
        head += "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        head += "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    client = socket.create_connection(("127.0.0.1", port))
    client.settimeout(0.3)
    with client, suppress(OSError):
        client.sendall(head.encode() + b"\r\n")
        if dice.random() < 0.8:
            client.recv(1000)
        for _ in range(dice.randrange(30)):
            client.sendall(frame(dice, dice.choice(PACKETS)))
        if dice.random() < 0.5:
            client.recv(100_000)


async def test_what_hostile_clients_do_harms_nobody(system: System, port: int) -> None:
    seed = secrets.randbelow(10**6)
    print("seed", seed)
    dice, shop = random.Random(seed), f"hostile-{port}"
    token = system.token(shop, role="staff")
    seen: list[str] = []
    base = f"http://127.0.0.1:{port}/socket.io/?EIO=4&transport=polling"

    async def read() -> None:
        async with aiohttp.ClientSession() as session:
            async for name, cursor, data in listen(session, "ws", Request(port, token)):
                seen.append(data["id"] if cursor else name)

    reading = asyncio.create_task(read())
    async with asyncio.timeout(20):
        while not seen:
            await asyncio.sleep(0.02)
    async with aiohttp.ClientSession() as session:
        for turn in range(20):
            async with session.get(base) as answer:
                sid = json.loads((await answer.text())[1:])["sid"]
            body = b"\x1e".join(dice.choice(PACKETS) for _ in range(20))
            async with session.post(f"{base}&sid={sid}", data=body) as answer:
                assert answer.status in (200, 400)
            level = {"productId": "p", "quantity": turn, "updatedAt": "2026-11-22T10:15:30Z"}
            event = {"specversion": "1.0", "id": f"e{turn}", "source": "/h", "shopid": shop}
            value = json.dumps({**event, "type": "inventory:updated", "data": level}).encode()
            key = f"{shop}/p".encode()
            await asyncio.gather(
                asyncio.to_thread(system.produce, [Sent(key, value, topic="shop.inventory")]),
                *(asyncio.to_thread(hostile, port, token, dice, sid) for _ in range(8)),
            )
    async with asyncio.timeout(60):
        while len(seen) < 21:
            await asyncio.sleep(0.05)
        while "\nshopstream_push_subscribers 1.0\n" not in system.get("/metrics", port=port)[
            1
        ].decode().replace("\r", ""):
            await asyncio.sleep(0.5)
    assert seen == ["stream:ready", *(f"e{turn}" for turn in range(20))]
    reading.cancel()
    log = system.apis[port].log.read_text()
    if (
        system.apis[port].env["SHOPSTREAM_PUSH_DIRECT"] == "True"
    ):  # else uvicorn's own reader has its say
        assert "Traceback" not in log, log[-3000:]
    assert " CRITICAL " not in log
