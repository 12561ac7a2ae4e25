import asyncio
from typing import Any

import pytest

from shopstream.api.push import stream as module
from shopstream.api.push.hub import Hub
from shopstream.api.push.stream import TRANSPORT, EventStream
from shopstream.api.push.subscriber import Subscriber, Wish
from shopstream.api.push.types import DEFAULT


class Transport:
    """Remembers that it was cut."""

    def __init__(self) -> None:
        self.gone = asyncio.Event()

    def get_extra_info(self, _: str) -> None:
        return None

    def abort(self) -> None:
        self.gone.set()


async def run(hub: Hub, transport: Transport, send: Any, seconds: float = 100) -> None:
    async def receive() -> dict[str, Any]:
        await transport.gone.wait()
        return {"type": "http.disconnect"}

    expires = asyncio.get_running_loop().time() + seconds
    stream = EventStream(hub, "s1", Subscriber(Wish("u1", DEFAULT)), None, expires)
    await stream({"type": "http", "extensions": {TRANSPORT: transport}}, receive, send)


async def test_a_client_that_reads_nothing_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "STALL_SECONDS", 0.01)
    hub, transport = Hub(), Transport()

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.body":
            await asyncio.Event().wait()

    await asyncio.wait_for(run(hub, transport, send), 2)
    assert transport.gone.is_set()
    assert hub.subscribers() == 0


async def test_a_quiet_stream_is_kept_alive_and_ends_with_the_token(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "PING_SECONDS", 0.01)
    hub, bodies = Hub(), []

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.body":
            bodies.append((message["body"], message["more_body"]))

    await asyncio.wait_for(run(hub, Transport(), send, 0.1), 2)
    assert b"event: stream:ready\n" in bodies[0][0]
    assert bodies[1] == (b": ping\n\n", True)
    assert bodies[-1] == (b'event: stream:bye\ndata: {"reason":"expired"}\n\n', False)


async def test_a_client_that_leaves_ends_its_stream() -> None:
    hub, transport = Hub(), Transport()

    async def send(_: dict[str, Any]) -> None:
        transport.gone.set()

    await asyncio.wait_for(run(hub, transport, send), 2)
    assert hub.subscribers() == 0
