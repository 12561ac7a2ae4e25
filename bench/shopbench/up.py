"""A whole `shopstream up` on free ports and a directory of its own."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from local.probes import free_port
from shopbench.processes import Child, EngineAddress
from shopstream.cli.tokens import mint
from shopstream.settings import Settings

READY_SECONDS = 90.0
READY_PAUSE = 0.02
PORT_FLAGS = ("--port", "--kafka-port", "--clickhouse-port", "--clickhouse-native-port")


@dataclass(frozen=True)
class Up:
    """What a client needs to know of it."""

    api_port: int
    kafka: str
    engine: EngineAddress
    secret: str
    processes: dict[str, int]
    """`up` itself, broker, engine, pipeline and API, by name."""

    def token(self, shops: Sequence[str]) -> str:
        """For an admin of these shops."""
        settings = Settings(jwt_secret=self.secret)
        return mint(settings, shops, datetime.now(UTC), ttl=timedelta(hours=6))


@contextmanager
def up(folder: Path, kafka: str | None = None) -> Iterator[Up]:
    """Ready, and gone afterwards. With `kafka` it uses that broker."""
    data = folder / "data"
    ports = {flag: str(free_port()) for flag in PORT_FLAGS}
    flags = [text for pair in ports.items() for text in pair]
    command = [sys.executable, "-m", "shopstream", "up", *flags, "--data-dir", str(data)]
    env = {"SHOPSTREAM_KAFKA_BOOTSTRAP": kafka} if kafka else {}
    with Child("shopstream up", command, folder / "up.log", env) as child:
        child.until(lambda: _is_ready(data / "up.json"), READY_SECONDS, READY_PAUSE)
        told, secrets = _read(data / "up.json"), _read(data / "secrets.json")
        yield Up(
            int(ports["--port"]),
            told["kafka"],
            _engine(told["clickhouse"]),
            secrets["jwt"],
            {"up": child.number, **_named(child.children())},
        )


def verify(folder: Path) -> tuple[int, int]:
    """How many rows of the windows were compared with what the stored versions add up to, and how many differ."""
    command = [sys.executable, "-m", "shopstream", "verify", "--json"]
    env = {"SHOPSTREAM_DATA_DIR": str(folder / "data"), "PATH": "/usr/bin:/bin"}
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=600)
    found = json.loads(done.stdout)
    return found["compared"], len(found["differences"])


def _is_ready(addresses: Path) -> bool:
    return addresses.exists() and bool(_read(addresses)["ready"])


def _named(children: dict[int, str]) -> dict[str, int]:
    return {_name(line): number for number, line in children.items()}


def _name(line: str) -> str:
    """By the command line; an older version's broker and engine have others."""
    parts = {
        "shopstream api": "api",
        "shopstream pipeline": "pipeline",
        "clickhouse": "engine",
    }
    return next((name for part, name in parts.items() if part in line), "broker")


def _read(path: Path) -> Any:
    return json.loads(path.read_text())


def _engine(url: str) -> EngineAddress:
    parts = urlsplit(url)
    return EngineAddress(parts.port or 0, parts.username or "", parts.password or "")


def settle() -> None:
    """What was written before is on its disk: it is not written while something is measured."""
    os.sync()
