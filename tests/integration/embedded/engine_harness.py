"""Starts the embedded engine as its own process, on a free port and a directory of its own."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from support.processes import free_port

LOGINS = {
    "app": {"password": "app-password"},
    "other": {"password": "other-password"},
    "bi": {"password": "bi-password", "readonly": True, "database": "shopstream_bi"},
}
DEADLINE_SECONDS = 20.0
SLOW = "SELECT sum(sleepEachRow(0.25)) FROM numbers(400) SETTINGS max_block_size = 1"
"""Waits for 100 s without work, and can be killed."""


def command(path: Path, port: int, *more: str) -> list[str]:
    where = ["--path", str(path), "--port", str(port)]
    return [sys.executable, "-m", "shopstream.clickhouse.embedded", *where, *more]


def environment() -> dict[str, str]:
    return {**os.environ, "SHOPSTREAM_ENGINE_LOGINS": json.dumps(LOGINS)}


def poll(condition, seconds: float = DEADLINE_SECONDS):
    """The first true value of `condition()`; fails after the deadline."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < deadline, "the condition did not come true in time"
        time.sleep(0.02)


@dataclass
class EngineProcess:
    path: Path
    more: tuple[str, ...] = ()
    port: int = field(default_factory=free_port)
    process: subprocess.Popen | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> "EngineProcess":
        self.process = subprocess.Popen(
            command(self.path, self.port, *self.more), env=environment()
        )
        poll(self._answers)
        return self

    def _answers(self) -> bool:
        assert self.process is not None and self.process.poll() is None, "the engine has ended"
        try:
            return httpx.get(self.url + "/ping", timeout=5).text == "Ok.\n"
        except httpx.TransportError:
            return False

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Sends a signal; the exit code."""
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(DEADLINE_SECONDS)

    def client(self, login: str = "app", **more) -> httpx.Client:
        auth = (login, LOGINS[login]["password"])
        return httpx.Client(base_url=self.url, auth=auth, timeout=30, **more)

    def text(self, sql: str, login: str = "app", **params: str) -> str:
        """The answer of a statement that succeeds."""
        with self.client(login) as client:
            answer = client.post("/", params=params, content=sql)
        assert answer.status_code == 200, answer.text
        return answer.text

    def refusal(self, sql: str, login: str = "app", **params: str) -> tuple[int, str]:
        """(HTTP status, X-ClickHouse-Exception-Code) of a statement that fails."""
        with self.client(login) as client:
            answer = client.post("/", params=params, content=sql)
        return answer.status_code, answer.headers.get("X-ClickHouse-Exception-Code", "")

    def running(self, query_id: str) -> int:
        """How many statements the engine runs under a client's id."""
        asked = "SELECT count() FROM system.processes WHERE Settings['log_comment'] = {id:String}"
        return int(self.text(asked, param_id=query_id))
