"""Small questions to the network: is a port free, does a server answer."""

import asyncio
import socket
from contextlib import suppress
from errno import EADDRINUSE

from local.service import Probe
from shopstream.faults import Fault

LOCALHOST = "127.0.0.1"
ANSWER_WITHIN = 2.0
"""Seconds."""


class PortInUse(Fault):
    """Something listens on the port already, or nobody may (`reason`); `str()` names the flag."""

    def __init__(self, port: int, flag: str, reason: OSError) -> None:
        why = "is in use" if reason.errno == EADDRINUSE else f"cannot be used ({reason.strerror})"
        super().__init__(f"Port {port} {why}: choose another with {flag}.")


class SamePort(Fault):
    """Two flags name one port."""

    def __init__(self, port: int, flags: list[str]) -> None:
        super().__init__(f"Port {port} is given twice: by {' and '.join(flags)}.")


def check_ports(ports: dict[str, int]) -> None:
    """Checks that each port (by flag) is free on 127.0.0.1 and that they differ.

    Raises:
        PortInUse, SamePort: naming the first.
    """
    for flag, port in ports.items():
        same = [other for other, number in ports.items() if number == port]
        if len(same) > 1:
            raise SamePort(port, same)
        if fault := bind_fault(port):
            raise PortInUse(port, flag, fault)


def free_port() -> int:
    """A port that nothing listens on now."""
    with socket.socket() as probe:
        probe.bind((LOCALHOST, 0))
        number: int = probe.getsockname()[1]
        return number


def accepts(port: int) -> Probe:
    """Asks whether a connection to the port is accepted."""

    async def ask() -> bool:
        with suppress(OSError, TimeoutError):
            async with asyncio.timeout(ANSWER_WITHIN):
                _, writer = await asyncio.open_connection(LOCALHOST, port)
                writer.close()
                return True
        return False

    return ask


def answers_ok(port: int, path: str) -> Probe:
    """Asks whether GET `path` is answered by status 200."""
    request = f"GET {path} HTTP/1.1\r\nHost: {LOCALHOST}:{port}\r\nConnection: close\r\n\r\n"

    async def ask() -> bool:
        with suppress(OSError, TimeoutError, ValueError):
            async with asyncio.timeout(ANSWER_WITHIN):
                reader, writer = await asyncio.open_connection(LOCALHOST, port)
                writer.write(request.encode())
                status = await reader.readline()
                writer.close()
                return status.split()[1:2] == [b"200"]
        return False

    return ask


def bind_fault(port: int) -> OSError | None:
    """Why nothing can listen on the port now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOCALHOST, port))
        except OSError as error:
            return error
    return None
