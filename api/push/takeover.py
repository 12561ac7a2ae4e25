"""A connection that leaves HTTP: our server hands it to an `Owner`."""

import socket
from asyncio import Transport
from collections.abc import MutableMapping
from contextlib import suppress
from typing import Any, Protocol

TAKE_OVER = "shopstream.take_over"
"""The ASGI extension under which our server offers its connection."""
STALL_SECONDS = 30.0
"""A client that reads nothing for this long is cut off."""
SEND_BUFFER = 32 * 1024
"""Bytes that the kernel may hold for a client; by default it hides megabytes behind one that stalls."""


class Owner(Protocol):
    """Owns a connection that left HTTP. None of its methods waits."""

    def received(self, data: bytes) -> None:
        """Bytes of the client."""

    def pause(self) -> None:
        """The write buffer is full, because the client does not read."""

    def resume(self) -> None:
        """The write buffer has drained."""

    def lost(self) -> None:
        """The connection is closed; called once."""


class Connection(Protocol):
    """A connection that our server offers to hand over."""

    transport: Transport

    def switching(self) -> None:
        """Called before the head of a 101."""

    def take_over(self, owner: Owner) -> None:
        """Called once the head of the answer has been sent."""


def offered(scope: MutableMapping[str, Any]) -> Connection | None:
    """The connection of a request, if it can be taken over: chunks and upgrades are of HTTP/1.1."""
    if scope.get("http_version") != "1.1":
        return None
    found: Connection | None = (scope.get("extensions") or {}).get(TAKE_OVER)
    return found


def bound(transport: Transport) -> None:
    """Keeps the kernel from holding much for a client."""
    sock = transport.get_extra_info("socket")
    if sock is not None:
        with suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)


def noop() -> None:
    """A callback that does nothing."""
