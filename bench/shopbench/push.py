"""Fan-out of one API process to many clients, beside a Node server of socket.io that does the same."""

import argparse
import asyncio
import base64
import json
import os
import re
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import uvloop

from local.probes import free_port
from shopbench import push_read
from shopbench.output import Result, arguments, median, publish, quantile, run, say
from shopbench.processes import Failed, cpu
from shopstream.cli.tokens import mint
from shopstream.settings import Settings

MARK = b'"mark":1'
READY = b"stream:ready"
_TIME = re.compile(rb'"t":"(\d+)"')
PROTOCOLS = ("sse", "websocket", "socketio")
SINGLE, BURST, AT_ONCE = 20_000, 3_000, 100
RATE, RATE_SECONDS = 2_000, 8
NODE = Path(__file__).with_name("push_node")


def frame(text: bytes) -> bytes:
    """Of a client: masked, with a key of zeros."""
    size = len(text)
    head = bytes((0x81, 0x80 | size)) if size < 126 else b"\x81\xfe" + size.to_bytes(2, "big")
    return head + b"\0\0\0\0" + text


@dataclass
class Clients:
    """Every connection of a part, and what they got."""

    marks: int = 0
    ready: int = 0
    timed: bool = False
    delays: list[float] = field(default_factory=list)


class Client(asyncio.Protocol):
    """One connection: counts, and answers pings."""

    def __init__(self, clients: Clients, request: bytes, hello: bytes | None) -> None:
        self._clients, self._request, self._hello = clients, request, hello
        self._tail = b""

    def connection_made(self, transport: Any) -> None:
        """Asks."""
        self.transport = transport
        transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        """Counts what is whole: a mark may come in two pieces."""
        text = self._tail + data
        self._clients.marks += text.count(MARK)
        self._tail = text[-len(MARK) + 1 :]
        if self._clients.timed:
            now = time.monotonic_ns()
            self._clients.delays += [(now - int(at)) / 1e6 for at in _TIME.findall(data)]
        elif READY in data:
            self._clients.ready += 1
        elif self._hello and b'0{"sid"' in data:
            self.transport.write(frame(self._hello))
            self._hello = None
        if data == b"\x81\x012":
            self.transport.write(frame(b"3"))


@dataclass
class Candidate:
    """A server and how one of its clients begins."""

    name: str
    command: list[str]
    port: int
    secret: str | None
    protocol: str

    def request(self, shop: int) -> tuple[bytes, bytes | None]:
        """The head of a request, and what is said once the other side has said hello."""
        head = {"Host": "127.0.0.1"}
        if self.protocol != "sse":
            key = base64.b64encode(secrets.token_bytes(16)).decode()
            head |= {"Upgrade": "websocket", "Connection": "Upgrade"}
            head |= {"Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": key}
        hello = None
        path = {"sse": "/events", "websocket": "/ws"}.get(self.protocol, "")
        if not path:
            path = f"/socket.io/?EIO=4&transport=websocket&room=s{shop}"
            hello = b"40"
        if self.secret:
            token = _token(self.secret, shop)
            head["Authorization"] = f"Bearer {token}"
        lines = "".join(f"{name}: {value}\r\n" for name, value in head.items())
        return f"GET {path} HTTP/1.1\r\n{lines}\r\n".encode(), hello


def _token(secret: str, shop: int) -> str:
    settings = Settings(jwt_secret=secret)
    return mint(settings, [f"s{shop}"], datetime.now(UTC), role="staff", ttl=timedelta(hours=1))


@contextmanager
def _serving(candidate: Candidate, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """On the first core; ready."""
    with log.open("ab") as err:
        process = subprocess.Popen(
            ["taskset", "-c", "0", *candidate.command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=err,
        )
    try:
        assert process.stdout
        if process.stdout.readline() != b"ready\n":
            raise Failed(f"{candidate.name} did not start: {log.read_text()[-2000:]}")
        yield process
    finally:
        process.kill()
        process.wait()


async def _connect(candidate: Candidate, shops: list[int]) -> tuple[Clients, list[Client]]:
    clients, found = Clients(), []
    loop = asyncio.get_running_loop()
    for start in range(0, len(shops), 100):
        for shop in shops[start : start + 100]:
            request, hello = candidate.request(shop)
            client = Client(clients, request, hello)
            await loop.create_connection(lambda c=client: c, "127.0.0.1", candidate.port)
            found.append(client)
        while clients.ready < len(found):
            await asyncio.sleep(0.005)
    return clients, found


async def _part(
    candidate: Candidate,
    server: subprocess.Popen[bytes],
    shops: list[int],
    wanted: int,
    **deed: Any,
) -> dict[str, float]:
    """Deliveries/s, and microseconds of the server's CPU a delivery."""
    clients, found = await _connect(candidate, shops)
    clients.timed = deed["deed"] == "rate"
    before, begun = cpu(server.pid), time.monotonic()
    assert server.stdin
    server.stdin.write(json.dumps(deed).encode() + b"\n")
    server.stdin.flush()
    end = begun + 120
    while clients.marks < wanted and time.monotonic() < end:
        await asyncio.sleep(0.002)
    took, used = time.monotonic() - begun, cpu(server.pid) - before
    assert server.stdout
    server.stdout.readline()
    for client in found:
        client.transport.abort()
    if clients.marks != wanted:
        raise Failed(f"{candidate.name}: {clients.marks} of {wanted} deliveries came")
    return {
        "per_s": wanted / took,
        "us": used / wanted * 1e6,
        "p50": quantile(clients.delays, 0.5) or 0.0,
        "p99": quantile(clients.delays, 0.99) or 0.0,
    }


async def _idle(candidate: Candidate, server: subprocess.Popen[bytes], count: int) -> float:
    """KB of memory a connection."""
    before = _resident(server.pid)
    _, found = await _connect(candidate, [n % 100 for n in range(count)])
    await asyncio.sleep(2)
    grown = _resident(server.pid) - before
    for client in found:
        client.transport.abort()
    return grown / count / 1024


def _resident(pid: int) -> int:
    text = Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"RssAnon:\s+(\d+)", text)[1]) * 1024  # type: ignore[index]


def _candidates(folder: Path) -> list[Candidate]:
    found = []
    for how in ("raw", "prepared"):
        for protocol in PROTOCOLS:
            port, secret = free_port(), secrets.token_hex(32)
            command = [sys.executable, "-m", "shopbench.push_server", str(port), secret, how]
            name = f"shopstream {protocol}" + (", checked before" if how == "prepared" else "")
            found.append(Candidate(name, command, port, secret, protocol))
    port = free_port()
    command = ["node", str(folder / "server.mjs"), str(port)]
    return [*found, Candidate("Node socket.io", command, port, None, "socketio")]


def _install(folder: Path) -> Path:
    for name in ("package.json", "package-lock.json", "server.mjs"):
        (folder / name).write_bytes((NODE / name).read_bytes())
    command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    if done.returncode:
        raise Failed(f"npm ci: {done.stderr[-1000:]}")
    return folder


def _measure(candidate: Candidate, folder: Path, idle: int) -> dict[str, float]:
    say(candidate.name)
    with (
        _serving(candidate, folder / "server.log") as server,
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        many = [n % 100 for n in range(1000)]
        single = {"deed": "single", "events": SINGLE, "channels": 100}
        burst = {"deed": "burst", "events": BURST, "at_once": AT_ONCE}
        rate = {"deed": "rate", "rate": RATE, "seconds": RATE_SECONDS, "channels": 100}
        one = runner.run(_part(candidate, server, many, SINGLE * 10, **single))
        two = runner.run(_part(candidate, server, [0] * 1000, BURST * 1000, **burst))
        three = runner.run(_part(candidate, server, many, RATE * RATE_SECONDS * 10, **rate))
        kilobytes = runner.run(_idle(candidate, server, idle))
    return {
        "single/s": one["per_s"],
        "us": one["us"],
        "burst/s": two["per_s"],
        "burst us": two["us"],
        "p50 ms": three["p50"],
        "p99 ms": three["p99"],
        "KB idle": kilobytes,
    }


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench/push", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--idle", type=int, default=5000, help="connections that are held")
    parser.add_argument("--read", action="store_true", help="what reading an event costs, alone")
    rates = [200.0, 2000.0]
    parser.add_argument("--rates", type=float, nargs="+", default=rates, help="with --read")
    parser.add_argument("--before", type=Path, metavar="DIR", help="with --read: a checkout")
    flags = arguments(parser)
    if flags.read:
        publish(push_read.measure(flags.rates, flags.rounds, flags.before), flags)
        return
    os.sched_setaffinity(0, {1})
    result = Result("push", "one API process on one core, its clients on another; medians")
    with tempfile.TemporaryDirectory(prefix="shopbench-") as name:
        folder = _install(Path(name))
        rounds: dict[str, list[dict[str, float]]] = {}
        for _ in range(flags.rounds):
            for candidate in _candidates(folder):
                found = _measure(candidate, folder, flags.idle)
                rounds.setdefault(candidate.name, []).append(found)
        result.rounds = [rounds]
    for name, found in rounds.items():
        keys = found[0]
        result.rows.append({"server": name, **{k: median(one[k] for one in found) for k in keys}})
    result.notes = [
        "single/s: deliveries a second of single events, each in a turn of its own, to 100 channels of 10; us: CPU"
        " microseconds of the server a delivery",
        f"burst/s: of {AT_ONCE} events at once to one channel of 1,000",
        f"p50, p99: from publishing to the client at {RATE * 10:,} deliveries/s to 100 channels of 10",
        f"KB idle: memory of the server for each of {flags.idle:,} connections",
        "checked before: the rules of the contract are not in the number, as Node checks nothing",
    ]
    publish(result, flags)


if __name__ == "__main__":
    run(main)
