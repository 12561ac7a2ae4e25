"""The server by itself, on a socket of its own."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from provider.apps import Counting, application
from shopstream.api import server
from shopstream.api.server import Server, configure, listen

REQUESTS = 200


@asynccontextmanager
async def serving() -> AsyncIterator[tuple[socket.socket, Server]]:
    """A client's connection, with a small buffer, and the server."""
    listener = listen("127.0.0.1", 0)
    there = Server(configure(application(Counting())), lambda: None)
    task = asyncio.create_task(there.serve([listener]))
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.setblocking(False)
        await asyncio.get_running_loop().sock_connect(client, listener.getsockname())
        yield client, there
    there.stop()
    await asyncio.wait_for(task, 10)


async def test_a_client_that_does_not_read_its_answers_is_cut_off(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(server, "STALL_SECONDS", 0.2)
    monkeypatch.setattr(server, "PIPELINED", REQUESTS)
    async with serving() as (client, there):
        asked = b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n" * REQUESTS
        await asyncio.get_running_loop().sock_sendall(client, asked)
        async with asyncio.timeout(20):
            while not there.server_state.connections:
                await asyncio.sleep(0.01)
            while there.server_state.connections:
                await asyncio.sleep(0.05)
        assert await _answers(client) < REQUESTS


@pytest.mark.parametrize("begun", [b"", b"GET /health HT", b"GET /health HTTP/1.1\r\nHost: x\r\n"])
async def test_a_request_that_is_never_whole_is_cut_off(
    monkeypatch: pytest.MonkeyPatch, begun: bytes
) -> None:
    monkeypatch.setattr(server, "REQUEST_SECONDS", 0.2)
    async with serving() as (client, _):
        await asyncio.get_running_loop().sock_sendall(client, begun)
        assert await asyncio.wait_for(_answers(client), 5) == 0


async def test_a_connection_that_is_kept_serves_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "REQUEST_SECONDS", 0.2)
    async with serving() as (client, _):
        for _ in range(2):
            asked = b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n"
            await asyncio.get_running_loop().sock_sendall(client, asked)
            answer = await asyncio.get_running_loop().sock_recv(client, 1 << 16)
            assert answer.startswith(b"HTTP/1.1 200")
            await asyncio.sleep(0.5)


async def _answers(client: socket.socket) -> int:
    """How many began before the end."""
    found = b""
    try:
        while piece := await asyncio.get_running_loop().sock_recv(client, 1 << 16):
            found += piece
    except ConnectionResetError:
        pass
    return found.count(b"HTTP/1.1 200")
