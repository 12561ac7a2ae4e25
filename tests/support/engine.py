"""The ClickHouse of `shopstream up` as a process of a test's own."""

import os
import secrets
import sys
from pathlib import Path
from urllib.request import urlopen

from local.clickhouse.logins import dump, login
from support.processes import Child, free_port
from support.sql import Sql
from support.waiting import eventually

READY = 30.0
"""Seconds, on a busy machine."""
SHORT_LIVED = ("compile_expressions", "compile_aggregate_expressions", "compile_sort_description")
"""Turned off: machine code for an expression pays after some hundred uses. The long runs have it."""


class ClickHouseServer:
    """Not started yet. Logins `app`, which may do everything, `bi`, and one for each of `shops`: `bi_1`, `bi_2`, …

    `short_lived`: with the settings `SHORT_LIVED` off, but for SHOPSTREAM_FULL.
    """

    def __init__(self, folder: Path, shops: tuple[str, ...] = (), short_lived: bool = True) -> None:
        self._short_lived = short_lived and not os.environ.get("SHOPSTREAM_FULL")
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / "engine"
        self.log = folder / "clickhouse.log"
        self.port, self.native_port = free_port(), free_port()
        names = ("app", "bi", *(f"bi_{n}" for n in range(1, len(shops) + 1)))
        self.passwords = {name: secrets.token_hex(16) for name in names}
        self._logins = {"app": login(self.passwords["app"])}
        for name, shop in zip(names[1:], (None, *shops), strict=True):
            self._logins[name] = login(self.passwords[name], reads=True, shop=shop)
        command = [sys.executable, "-m", "local.clickhouse", "--path", str(self.path)]
        command += ["--port", str(self.port), "--native-port", str(self.native_port)]
        command += ["--log", str(self.log)]
        env = {"SHOPSTREAM_ENGINE_LOGINS": dump(self._logins)}
        self.child = Child("engine", command, folder / "engine.log", env)

    def start(self) -> None:
        """It answers when this returns."""
        if self._short_lived:
            self._write_profile()
        self.child.start()
        eventually(self._answers, READY, "engine ready", pause=0.02)

    def _write_profile(self) -> None:
        """Beside users.xml, which the engine writes itself."""
        off = "".join(f"<{name}>0</{name}>" for name in SHORT_LIVED)
        folder = self.path / "server" / "users.d"
        folder.mkdir(parents=True, exist_ok=True)
        profiles = f"<default>{off}</default><bi>{off}</bi>"
        text = f"<clickhouse><profiles>{profiles}</profiles></clickhouse>"
        (folder / "short-lived.xml").write_text(text)

    def url(self, name: str = "app", scheme: str = "http", port: int | None = None) -> str:
        return f"{scheme}://{name}:{self.passwords[name]}@127.0.0.1:{port or self.port}"

    def sql(self, name: str = "app") -> Sql:
        """Statements as one of its logins, by a client of the tests' own."""
        return Sql(self.port, name, self.passwords[name])

    def _answers(self) -> bool:
        assert self.child.running, self.child.tail()
        with urlopen(f"http://127.0.0.1:{self.port}/ping", timeout=5) as answer:
            return bool(answer.read() == b"Ok.\n")
