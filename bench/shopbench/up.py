"""A whole `shopstream up` on free ports and a directory of its own."""

import json
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from shopbench.processes import Child, EngineAddress
from shopstream.local.probes import free_port
from shopstream.local.tokens import mint
from shopstream.settings import Settings

READY_SECONDS = 90.0


@dataclass(frozen=True)
class Up:
    """What a client needs to know of it."""

    api_port: int
    kafka: str
    engine: EngineAddress
    secret: str
    processes: dict[str, int]
    """API, engine and pipeline, by name."""

    def token(self, shops: Sequence[str]) -> str:
        """For an admin of these shops."""
        settings = Settings(jwt_secret=self.secret)
        return mint(settings, shops, datetime.now(UTC), ttl=timedelta(hours=6))


@contextmanager
def up(folder: Path, kafka: str | None = None) -> Iterator[Up]:
    """Ready, and gone afterwards. With `kafka` it uses that broker."""
    data = folder / "data"
    ports = {flag: str(free_port()) for flag in ("--port", "--kafka-port", "--clickhouse-port")}
    flags = [text for pair in ports.items() for text in pair]
    command = [sys.executable, "-m", "shopstream", "up", *flags, "--data-dir", str(data)]
    env = {"SHOPSTREAM_KAFKA_BOOTSTRAP": kafka} if kafka else {}
    with Child("shopstream up", command, folder / "up.log", env) as child:
        child.until((data / "up.json").exists, READY_SECONDS, 0.1)
        told, secrets = _read(data / "up.json"), _read(data / "secrets.json")
        yield Up(
            int(ports["--port"]),
            told["kafka"],
            _engine(told["clickhouse"]),
            secrets["jwt"],
            _named(child.children()),
        )


def _named(children: dict[int, str]) -> dict[str, int]:
    parts = {
        "api": "shopstream api",
        "engine": "clickhouse.embedded",
        "pipeline": "shopstream pipeline",
    }
    return {
        name: number
        for name, part in parts.items()
        for number, line in children.items()
        if part in line
    }


def _read(path: Path) -> Any:
    return json.loads(path.read_text())


def _engine(url: str) -> EngineAddress:
    parts = urlsplit(url)
    return EngineAddress(parts.port or 0, parts.username or "", parts.password or "")


def settle() -> None:
    """What was written before is on its disk: it is not written while something is measured."""
    os.sync()
