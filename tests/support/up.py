"""`shopstream up` in a process of its own, as a user starts it."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from support.brokers import SHORT_LIVED
from support.processes import free_port

STOPPED_WITHIN = 10.0
PATIENCE = 60.0
"""Seconds."""
SHORT_SESSION = {"SHOPSTREAM_KAFKA_SESSION_TIMEOUT": "6"}
"""The least that the broker of `up` takes."""
PROXY = {"http_proxy": "http://127.0.0.1:9", "no_proxy": "example.org"}
"""As in many offices; nothing of ours may go through it."""
DISK_MIB, LOW_MIB = 512, 128
"""Of the disk that these tests give `up`, and how little it tells of."""

SHOPS = ("up-shop", "it's <1> & \\")
"""Of `--bi-shop`."""
FLAGS = ("--port", "--kafka-port", "--clickhouse-port", "--clickhouse-native-port")
CHILDREN = {
    "broker": "kafka.Kafka",
    "engine": "local.clickhouse",
    "pipeline": "shopstream\0pipeline",
    "api": "shopstream\0api",
}
"""What tells each process by its command line."""


class Up:
    """One `shopstream up` with ports and a data directory of its own."""

    def __init__(self, directory: Path, output: Path) -> None:
        """`output`: the file of what it prints, anew with each start."""
        self.directory = directory
        self.output = output
        self.ports = {flag: free_port() for flag in FLAGS}

    def start(self) -> float:
        """Returns after how many seconds it was ready."""
        begun = time.monotonic()
        with self.output.open("wb") as out:
            self.process = subprocess.Popen(
                command(self.directory, self.ports), env=environment(), stdout=out, stderr=out
            )
        eventually(self._settled)
        assert self.process.poll() is None, self.output.read_text()
        return time.monotonic() - begun

    def _settled(self) -> bool:
        return self.process.poll() is not None or self._is_announced()

    def _is_announced(self) -> bool:
        return (self.directory / "up.json").exists() and self.told["ready"]

    @property
    def told(self) -> dict[str, Any]:
        """`up.json`."""
        found: dict[str, Any] = json.loads((self.directory / "up.json").read_text())
        return found

    def children(self) -> dict[str, int]:
        """The running processes by name."""
        found = {}
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit() and parent_of(int(entry.name)) == self.process.pid:
                line = command_line(int(entry.name))
                found |= {name: int(entry.name) for name, part in CHILDREN.items() if part in line}
        return found

    def is_ready(self) -> bool:
        return get(self.told["api"] + "/ready")[0] == 200

    def stop(self) -> float:
        """SIGTERM; after how many seconds it had ended."""
        begun = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(PATIENCE) == 0, self.output.read_text()
        return time.monotonic() - begun

    def discard(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(STOPPED_WITHIN + 5)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


def environment() -> dict[str, str]:
    ours = {name: value for name, value in os.environ.items() if "SHOPSTREAM" not in name}
    low = {"SHOPSTREAM_DISK_LOW_MIB": str(LOW_MIB)}
    return {**ours, **SHORT_LIVED, **low, **SHORT_SESSION, **PROXY}


def command(directory: Path, ports: dict[str, int]) -> list[str]:
    flags = [text for flag, port in ports.items() for text in (flag, str(port))]
    shops = [text for shop in SHOPS for text in ("--bi-shop", shop)]
    where = ["--data-dir", str(directory)]
    return [sys.executable, "-m", "shopstream", "up", *flags, *shops, *where]


def shopstream(up: Up, *arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "shopstream", *arguments],
        env={**environment(), "SHOPSTREAM_DATA_DIR": str(up.directory)},
        input=stdin,
        capture_output=True,
        timeout=PATIENCE,
    )


def eventually(condition: Callable[[], bool], within: float = PATIENCE) -> None:
    deadline = time.monotonic() + within
    while not condition():
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(0.05)


def parent_of(pid: int) -> int | None:
    """The parent, None where the process is gone or a zombie."""
    try:
        state, parent = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[:2]
    except OSError:
        return None
    return int(parent) if state != "Z" else None


def command_line(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text(errors="replace")
    except OSError:
        return ""


def none_alive(pids: list[int]) -> bool:
    return all(parent_of(pid) is None for pid in pids)


def get(url: str, token: str | None = None) -> tuple[int, bytes]:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    try:
        with urllib.request.urlopen(
            urllib.request.Request(url, headers=headers), timeout=10
        ) as got:
            return got.status, got.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()
    except OSError as error:
        return 0, str(error).encode()
