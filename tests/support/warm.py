"""Workers and API processes that are forked from a process which has loaded them: a second less for each start.

One such parent for each of the two commands in each process of the tests, begun with the first child.
"""

import ctypes
import functools
import gc
import importlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any, Literal

Command = Literal["pipeline", "api"]
MOST = 256 * 1024
"""Bytes of a request, which has an environment."""
PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


def die_with_parent() -> None:
    """To be called in a child: no process outlives the tests, however these end."""
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Warm:
    """`shopstream <command>` with this environment, as `subprocess.Popen` would show it."""

    def __init__(self, command: Command, log: Path, env: dict[str, str]) -> None:
        self._parent = _parent(command)
        self.returncode: int | None = None
        self.pid: int = self._parent.ask(log=str(log), env=env)

    def poll(self) -> int | None:
        """The exit code, once it has ended."""
        if self.returncode is None:
            self.returncode = self._parent.ask(ended=self.pid)
        return self.returncode

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def wait(self, timeout: float = 10) -> int:
        """The exit code, which it waits for."""
        end = time.monotonic() + timeout
        while (code := self.poll()) is None:
            if time.monotonic() > end:
                raise subprocess.TimeoutExpired("shopstream", timeout)
            time.sleep(0.01)
        return code


class _Parent:
    """Answers one question after the other."""

    def __init__(self, command: Command) -> None:
        self._lock = threading.Lock()
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "support.warm", command, str(theirs.fileno())],
                env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
                pass_fds=(theirs.fileno(),),
                preexec_fn=die_with_parent,
            )

    def ask(self, **question: Any) -> Any:
        with self._lock:
            self._socket.send(json.dumps(question).encode())
            return json.loads(self._socket.recv(MOST))


_parent = functools.cache(_Parent)


def _serve(asked: socket.socket) -> None:
    """Returns in each child; in the parent the end of the tests is its end."""
    codes: dict[int, int] = {}
    while text := asked.recv(MOST):
        question = json.loads(text)
        if "ended" in question:
            answer = _ended(question["ended"], codes)
        elif not (answer := os.fork()):
            asked.close()
            _become(**question)
            return
        asked.send(json.dumps(answer).encode())
    sys.exit()


def _ended(pid: int, codes: dict[int, int]) -> int | None:
    if pid not in codes and (found := os.waitpid(pid, os.WNOHANG))[0]:
        codes[pid] = os.waitstatus_to_exitcode(found[1])
    return codes.get(pid)


def _become(log: str, env: dict[str, str]) -> None:
    os.setsid()
    die_with_parent()
    out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    for number, file in enumerate((os.open(os.devnull, os.O_RDONLY), out, out)):
        os.dup2(file, number)
    os.environ.clear()
    os.environ.update(env)


if __name__ == "__main__":
    from shopstream.cli.main import main

    command, number = sys.argv[1:]
    importlib.import_module(f"{command}.main")
    importlib.import_module("shopstream.cli.environment")
    sys.argv[1:] = [command]
    sys.stdout.reconfigure(write_through=True)  # type: ignore[union-attr]
    gc.freeze()
    _serve(socket.socket(fileno=int(number)))
    main()
