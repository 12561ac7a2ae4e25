"""The process of the engine: ClickHouse's own HTTP and native TCP servers inside this Python.

chDB's one-shot call runs clickhouse-local, in which `SYSTEM START LISTEN` starts the servers
(https://github.com/ClickHouse/ClickHouse/pull/101143). They serve until the statement behind it ends.

clickhouse-local leaves to every login what a server does not. So the function `file()` is shut by a working directory
that is gone, and `Python()` and the files of formats by settings (see `config.py`).
"""

import ctypes
import fcntl
import importlib.util
import os
import secrets
import signal
import socket
import sys
import threading
from collections.abc import Mapping
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any, Final

from local.clickhouse.config import ServerConfig, config_xml, users_xml
from local.clickhouse.logins import STOPPER, Login, login
from local.probes import LOCALHOST, bind_fault
from shopstream.faults import Fault

SERVE: Final = (
    "CREATE DATABASE IF NOT EXISTS default;"
    " SYSTEM START LISTEN HTTP; SYSTEM START LISTEN TCP;"
    " SELECT sleepEachRow(3) FROM system.numbers FORMAT Null"
)
STOP: Final = "KILL QUERY WHERE interface = 'Local'"
STOP_SECONDS: Final = 3.0
START_SECONDS: Final = 60.0
LOOK_EVERY: Final = 0.5
"""Seconds, at whether the servers still serve."""
RTLD_DEEPBIND: Final = 8
"""As the package does it: the library's own allocator before any other."""
SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)


class CannotStart(Fault):
    """Why, in one sentence."""


def serve(engine: ServerConfig, logins: Mapping[str, Login]) -> int:
    """Serves until SIGTERM or SIGINT; the exit code. Blocks those signals for the whole process.

    Raises:
        CannotStart: a port or the data directory is in use, or cannot be used.
    """
    password = secrets.token_urlsafe(32)
    for flag, port in (("--port", engine.port), ("--native-port", engine.native_port)):
        if fault := bind_fault(port):
            raise CannotStart(f"{flag} {port} on {LOCALHOST} cannot be used ({fault.strerror}).")
    _lay_out(engine, users_xml(logins, login(password)))
    # before the engine starts a thread, each of which could be given the signal
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    os.chdir(engine.home)
    os.environ["TZ"] = "UTC"
    thread = _Statement(_load_chdb(), engine.path)
    thread.start()
    _until_it_answers(engine, thread)
    if not thread.is_alive():
        raise CannotStart(f"ClickHouse has not started: {thread.ended}")
    _leave(engine.home / "gone")
    stopped = _wait(thread)
    if stopped:
        # the engine reports the statement that ends as one that failed
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())
        _stop(engine, password)
    thread.join(STOP_SECONDS)
    if not stopped:
        sys.stderr.write(f"ERROR ClickHouse has stopped serving: {thread.ended}\n")
    # threads of clients may still be inside the engine
    sys.stderr.flush()
    os._exit(0 if stopped else 1)


def _lay_out(engine: ServerConfig, users: bytes) -> None:
    try:
        engine.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        (engine.path / "backups").mkdir(exist_ok=True)
        engine.log.parent.mkdir(parents=True, exist_ok=True)
        _check_lock(engine.path)
        for name, content in (("config.xml", config_xml(engine)), ("users.xml", users)):
            descriptor = os.open(engine.home / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
    except OSError as error:
        raise CannotStart(f"--path {engine.path} cannot be used ({error.strerror}).") from None


def _check_lock(path: Path) -> None:
    """ClickHouse locks `status` itself, but its refusal is a page long."""
    with (path / "status").open("ab") as status:
        try:
            fcntl.flock(status, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CannotStart(
                f"--path {path} is in use: another engine has this data directory open."
            ) from None


def _load_chdb() -> Any:
    """The library alone: importing its package opens a connection, which turns all logging off."""
    package = importlib.util.find_spec("chdb")
    if package is None or not package.submodule_search_locations:
        raise CannotStart("The package chdb-core is missing: install shopstream[local].")
    file = f"{package.submodule_search_locations[0]}/_chdb.abi3.so"
    ctypes.CDLL(file, mode=sys.getdlopenflags() | RTLD_DEEPBIND)
    spec = importlib.util.spec_from_file_location("_chdb", file)
    assert spec is not None and spec.loader is not None
    library = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(library)
    return library


class _Statement(threading.Thread):
    """Runs the statement that serves; `ended` says why it does no more."""

    def __init__(self, chdb: Any, path: Path) -> None:
        super().__init__(daemon=True)
        self._chdb = chdb
        self._path = path
        self.ended = "it still runs"

    def run(self) -> None:
        """Returns when the servers have stopped."""
        try:
            # the format of the call becomes the default of every client
            result = self._chdb.query(SERVE, output_format="TabSeparated", path=str(self._path))
            self.ended = result.error_message().partition("\n")[0] or "its statement has ended"
        except Exception as error:
            self.ended = str(error).partition("\n")[0]


def _until_it_answers(engine: ServerConfig, thread: threading.Thread) -> None:
    for port in (engine.port, engine.native_port):
        for _ in range(int(START_SECONDS / 0.02)):
            try:
                socket.create_connection((LOCALHOST, port), 1).close()
                break
            except OSError:
                thread.join(0.02)
                if not thread.is_alive():
                    return


def _leave(folder: Path) -> None:
    """Makes a working directory of a folder that is no more.

    `SELECT file('/any/path')` resolves the working directory first, whatever path it is given, and fails.
    """
    folder.mkdir(exist_ok=True)
    os.chdir(folder)
    folder.rmdir()


def _wait(thread: threading.Thread) -> bool:
    """True on a signal, False when nobody serves any more."""
    while thread.is_alive():
        found = signal.sigtimedwait(SIGNALS, LOOK_EVERY)
        # one that was interrupted, by a process that was frozen, may report no signal of ours
        if found is not None and found.si_signo in SIGNALS:
            return True
    return False


def _stop(engine: ServerConfig, password: str) -> None:
    """Ends the statement that serves."""
    headers = {"X-ClickHouse-User": STOPPER, "X-ClickHouse-Key": password}
    connection = HTTPConnection(LOCALHOST, engine.port, timeout=STOP_SECONDS)
    try:
        connection.request("POST", "/", STOP.encode(), headers)
        connection.getresponse().read()
    except (OSError, HTTPException):
        return
    # without one the shutdown of ClickHouse never ends
    os.chdir(engine.home)
