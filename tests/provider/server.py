"""The address of a set of keys, and the ways in which it can go wrong."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web

from provider.signing import Pair, key_set


@dataclass
class KeyServer:
    """`status`, `content` and `headers` of the answers; `stuck` answers never. Counts what it is asked."""

    pairs: list[Pair] = field(default_factory=list)
    status: int = 200
    content: bytes | None = None
    headers: dict[str, str] = field(default_factory=dict)
    stuck: bool = False
    asked: int = 0
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/keys"

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.asked += 1
        if self.stuck:
            await asyncio.sleep(3600)
        content = key_set(*self.pairs) if self.content is None else self.content
        return web.Response(status=self.status, body=content, headers=self.headers)

    @asynccontextmanager
    async def open(self) -> AsyncIterator["KeyServer"]:
        """Listens; at a port of its own from the first time on."""
        app = web.Application()
        app.router.add_get("/keys", self.answer)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        with socket.socket() as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind(("127.0.0.1", self.port))
            self.port = sock.getsockname()[1]
            await web.SockSite(runner, sock).start()
            try:
                yield self
            finally:
                await runner.cleanup()
