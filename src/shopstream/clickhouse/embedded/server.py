"""The process: arguments, the port, the lock on the data directory, a clean stop.

Logins come from the environment variable `SHOPSTREAM_ENGINE_LOGINS`, or from a file given with
`--logins`; a command line would show them to everyone on the machine.
"""

import argparse
import asyncio
import errno
import fcntl
import ipaddress
import os
import socket
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import uvicorn

from .app import BODY_LIMIT, App
from .engine import Engine
from .logins import Login, LoginsError, parse_logins
from .service import Service

LOGINS_VARIABLE: Final = "SHOPSTREAM_ENGINE_LOGINS"
KEEP_ALIVE_SECONDS: Final = 30
GRACE_SECONDS: Final = 1
STOP_SECONDS: Final = 2.5
SWEEP_SECONDS: Final = 10


class CannotStart(Exception):
    """Why, in one sentence."""


def main(arguments: Sequence[str]) -> int:
    """Serves until SIGTERM or SIGINT; 1 if it cannot start, with one sentence on standard error."""
    options = _options(arguments)
    try:
        logins = _logins(options.logins)
        listener = _listen(options.host, options.port)
        engine = _open(options.path.absolute())
    except (CannotStart, LoginsError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    _serve(engine, logins, listener, options.body_limit)
    return 0


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m shopstream.clickhouse.embedded")
    parser.add_argument("--path", type=Path, required=True, help="data directory")
    parser.add_argument("--port", type=int, default=8123)
    parser.add_argument("--host", default="127.0.0.1", help="a loopback address")
    parser.add_argument("--logins", type=Path, help=f"JSON file, instead of ${LOGINS_VARIABLE}")
    parser.add_argument("--body-limit", type=int, default=BODY_LIMIT, help="bytes")
    return parser.parse_args(arguments)


def _logins(file: Path | None) -> Mapping[str, Login]:
    if file is None:
        # not for child processes, nor for who reads our environment later
        text = os.environ.pop(LOGINS_VARIABLE, "")
        if not text:
            raise CannotStart(f"No logins: set {LOGINS_VARIABLE} or give --logins.")
        return parse_logins(text)
    try:
        return parse_logins(file.read_text())
    except OSError as error:
        raise CannotStart(f"--logins {file} cannot be read ({error.strerror}).") from None


def _listen(host: str, port: int) -> socket.socket:
    if not _is_loopback(host):
        raise CannotStart(
            f"--host {host} is refused: the embedded engine listens on loopback addresses only."
        )
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(512)
    except OSError as error:
        in_use = error.errno == errno.EADDRINUSE
        reason = "is in use already" if in_use else f"cannot be used ({error.strerror})"
        raise CannotStart(f"--port {port} on {host} {reason}.") from None
    return listener


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _open(path: Path) -> Engine:
    """The engine's working directory is an empty one: its database `default` shows files there."""
    try:
        empty = path / "empty"
        empty.mkdir(parents=True, exist_ok=True)
        _check_lock(path)
        os.chdir(empty)
        return Engine(path)
    except OSError as error:
        raise CannotStart(f"--path {path} cannot be used ({error.strerror}).") from None
    except RuntimeError as error:
        raise CannotStart(f"--path {path}: the engine cannot open it ({error}).") from None


def _check_lock(path: Path) -> None:
    """The engine locks `status` too, but it writes to standard error before it says why."""
    with (path / "status").open("ab") as status:
        try:
            fcntl.flock(status, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CannotStart(
                f"--path {path} is in use: another engine has this data directory open."
            ) from None


def _serve(
    engine: Engine, logins: Mapping[str, Login], listener: socket.socket, body_limit: int
) -> None:
    service = Service(engine)
    app = App(service, logins, body_limit)
    config = uvicorn.Config(
        app,
        http="httptools",
        loop="uvloop",
        lifespan="off",
        ws="none",
        log_config=None,
        log_level="critical",
        access_log=False,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    _Server(config, app, service).run(sockets=[listener])
    engine.close()
    # threads may still wait in the engine for statements that were killed
    os._exit(0)


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, app: App, service: Service) -> None:
        super().__init__(config)
        self._app = app
        self._service = service

    def handle_exit(self, sig: int, frame: object) -> None:
        """Stops what runs, so that waiting answers end; and ends the process in any case."""
        if not self.should_exit:
            timer = threading.Timer(STOP_SECONDS, os._exit, (0,))
            timer.daemon = True
            timer.start()
            threading.Thread(target=self._app.stop, daemon=True).start()
        self.should_exit = True

    async def on_tick(self, counter: int) -> bool:
        if counter % (SWEEP_SECONDS * 10) == 0:
            await asyncio.to_thread(self._service.sessions.sweep)
        return await super().on_tick(counter)
