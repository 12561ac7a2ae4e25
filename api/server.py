"""uvicorn, as this API needs it: streams say goodbye first, and know their transport."""

import asyncio
import contextlib
import os
import signal
import socket
from collections.abc import Callable, Iterator
from typing import Any

import uvicorn
from starlette.types import ASGIApp

from api.http_protocol import SPARE, Config, PlainProtocol, Protocol
from api.limits import Connections
from api.push.websocket import MAX_MESSAGE

GRACE_SECONDS = 1
FILES_BESIDE = 256
"""Files that are no connections of clients: the engine's, Kafka's, and what a request opens for a moment."""
LEAST_CONNECTIONS = 16
_SIGNALS = (signal.SIGTERM, signal.SIGINT)


class PortInUse(Exception):
    """The address cannot be listened on; `str()` says which settings to change."""


class Server(uvicorn.Server):
    """`goodbye` is called before open connections are waited for."""

    def __init__(self, config: uvicorn.Config, goodbye: Callable[[], None]) -> None:
        super().__init__(config)
        self._goodbye = goodbye

    def stop(self) -> None:
        """Asks the server to shut down; returns at once."""
        self.should_exit = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Ends within about `GRACE_SECONDS`, whatever is open."""
        self._goodbye()
        await super().shutdown(sockets)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Unlike uvicorn, does not raise the signal again: what was opened has to be closed first."""
        loop = asyncio.get_running_loop()
        try:
            for number in _SIGNALS:
                loop.add_signal_handler(number, self.handle_exit, number, None)
        except (ValueError, RuntimeError):  # not the main thread, which has no signals
            yield
            return
        try:
            yield
        finally:
            for number in _SIGNALS:
                loop.remove_signal_handler(number)


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes a free one.

    Raises:
        PortInUse: with a sentence that names the settings.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        raise PortInUse(
            f"SHOPSTREAM_PORT: cannot listen on {host}:{port} ({_reason(error)})"
        ) from error


def connections_for(files: int) -> int:
    """How many a process may have that may have so many files open."""
    return max(LEAST_CONNECTIONS, files - FILES_BESIDE - SPARE)


def _reason(error: OSError) -> str:
    return os.strerror(error.errno) if error.errno and error.errno > 0 else str(error)


def configure(
    app: ASGIApp,
    *,
    direct: bool = True,
    per_address: int = 0,
    most: int | None = None,
    refused: Callable[[int], None] | None = None,
    **more: Any,
) -> uvicorn.Config:
    """How the application is served; `direct`: streams write to their connections themselves; `per_address`: how many
    connections an address may have, 0 is no limit; `most`: how many there may be in all; `refused` is told the status
    of each refusal that the application does not see."""
    found = Config(
        app,
        http=Protocol if direct else PlainProtocol,
        ws="none" if direct else "websockets-sansio",
        ws_max_size=MAX_MESSAGE,
        ws_per_message_deflate=False,
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
        **more,
    )
    found.connections, found.most, found.refused = Connections(per_address), most, refused
    return found
