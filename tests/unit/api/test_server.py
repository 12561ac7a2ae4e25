"""The server by itself, on a socket of its own."""

import asyncio
import socket

import pytest

from provider.apps import Counting, application
from shopstream.api import server
from shopstream.api.server import Server, configure, listen

REQUESTS = 200


async def test_a_client_that_does_not_read_its_answers_is_cut_off(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(server, "STALL_SECONDS", 0.2)
    listener = listen("127.0.0.1", 0)
    there = Server(configure(application(Counting())), lambda: None)
    serving = asyncio.create_task(there.serve([listener]))
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.setblocking(False)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(client, listener.getsockname())
        await loop.sock_sendall(client, b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n" * REQUESTS)
        await asyncio.sleep(1)
        assert await _answers(client) < REQUESTS
    there.stop()
    await asyncio.wait_for(serving, 10)


async def _answers(client: socket.socket) -> int:
    """How many began before the end."""
    found = b""
    try:
        while piece := await asyncio.get_running_loop().sock_recv(client, 1 << 16):
            found += piece
    except ConnectionResetError:
        pass
    return found.count(b"HTTP/1.1 200")
