"""A TCP proxy that cuts connections at random moments, as bad networks do."""

import asyncio
import random
from contextlib import suppress


class CuttingProxy:
    """As `async with CuttingProxy(port, dice, lives) as port`; a connection lives as many seconds, from and to."""

    def __init__(self, to: int, dice: random.Random, lives: tuple[float, float]) -> None:
        self._to = to
        self._dice = dice
        self._lives = lives
        self.cutting = True
        self.cuts = 0

    async def __aenter__(self) -> int:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        found: int = self._server.sockets[0].getsockname()[1]
        return found

    async def __aexit__(self, *_: object) -> None:
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there, back = await asyncio.open_connection("127.0.0.1", self._to)
        except OSError:
            writer.transport.abort()
            return
        ways = [
            asyncio.create_task(self._carry(reader, back)),
            asyncio.create_task(self._carry(there, writer)),
        ]
        life = self._dice.uniform(*self._lives) if self.cutting else None
        done, _ = await asyncio.wait(ways, timeout=life, return_when=asyncio.FIRST_COMPLETED)
        self.cuts += not done
        for way in ways:
            way.cancel()
        for each in (writer, back):
            each.transport.abort() if not done else each.close()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
