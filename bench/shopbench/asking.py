"""Questions over kept HTTP connections, with as little of this process's own time as can be."""

import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from shopbench.output import quantile
from shopbench.processes import Failed

LIMIT_SECONDS = 60.0
"""For one measurement, whatever is missing then."""
Paths = Callable[[int], Iterator[str]]
"""Endless paths for the connection of a number."""


class Line:
    """One connection that asks as a dashboard does: with a token, for gzip."""

    def __init__(self, port: int, token: str) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), 30)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._head = (
            f" HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n"
            "Accept-Encoding: gzip\r\n\r\n"
        )

    def ask(self, path: str) -> bytes:
        """The body; raises `Failed` where the status is not 200."""
        self._socket.sendall(f"GET {path}{self._head}".encode())
        data = self._more()
        while (end := data.find(b"\r\n\r\n")) < 0:
            data += self._more()
        head = data[:end].lower()
        begin = head.index(b"content-length:") + 15
        size = end + 4 + int(head[begin:].split(b"\r\n", 1)[0])
        while len(data) < size:
            data += self._more()
        if not head.startswith(b"http/1.1 200"):
            raise Failed(f"{path}: {data[:400].decode(errors='replace')}")
        return data[end + 4 :]

    def _more(self) -> bytes:
        piece = self._socket.recv(1 << 16)
        if not piece:
            raise Failed("the connection was closed")
        return piece


@dataclass(frozen=True)
class Timing:
    """Of one round; milliseconds at the client, answer read."""

    what: str
    connections: int
    requests: int
    per_s: float
    p50: float | None
    p99: float | None


def load(
    what: str, make: Callable[[], Line], paths: Paths, connections: int, requests: int
) -> Timing:
    """`requests` in all, over so many connections, each asking as soon as it has its answer."""
    times: list[float] = []
    faults: list[Exception] = []
    end = time.perf_counter() + LIMIT_SECONDS

    def work(number: int) -> None:
        try:
            line, draw = make(), paths(number)
            for _ in range(requests // connections):
                path = next(draw)
                begun = time.perf_counter()
                line.ask(path)
                ended = time.perf_counter()
                times.append((ended - begun) * 1000)
                if ended > end:
                    return
        except Exception as error:
            faults.append(error)

    threads = [threading.Thread(target=work, args=(i,), daemon=True) for i in range(connections)]
    begun = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LIMIT_SECONDS + 30)
    took = time.perf_counter() - begun
    if faults:
        raise Failed(f"{what}: {faults[0]!r}")
    return Timing(what, connections, len(times), len(times) / took, *_ranks(times))


def _ranks(times: Sequence[float]) -> tuple[float | None, float | None]:
    return quantile(times, 0.5), quantile(times, 0.99)
