"""One process in a group of its own, which the kernel ends if this process dies (on Linux)."""

import asyncio
import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import IO

from local.output import LINE, Log, Muffler, Say, is_wrong, json_lines, plain, plain_lines
from shopstream.logs import sentence
from shopstream.variables import PREFIX

_PR_SET_PDEATHSIG = 1


class Child:
    """Starts `command` at construction. Must be made in the main thread, in a running loop.

    Standard output goes to the log, standard error too, its last line is kept and its errors
    are said. `ended` becomes the exit code (negative: the signal) once the process is gone; what
    it left in its group is killed.

    Raises:
        OSError: the command cannot be run.
    """

    def __init__(
        self, name: str, command: tuple[str, ...], env: Mapping[str, str], log: Path, say: Say
    ) -> None:
        self.name = name
        self.last_words = ""
        self._say = say
        as_json = inherited(env).get(f"{PREFIX}LOG_FORMAT") == "json"
        self._log = Log(
            log, shape=json_lines(name, partial(datetime.now, UTC)) if as_json else plain_lines
        )
        self._loop = asyncio.get_running_loop()
        self.ended: asyncio.Future[int] = self._loop.create_future()
        try:
            self._process = subprocess.Popen(
                command,
                env=inherited(env),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
                preexec_fn=bound_to(os.getpid()),
            )
        except BaseException:
            self._log.close()
            raise
        out, err = self._process.stdout, self._process.stderr
        assert out is not None and err is not None
        self._readers = [
            threading.Thread(target=self._keep, args=(out,), daemon=True),
            threading.Thread(target=self._relay, args=(err,), daemon=True),
        ]
        for reader in self._readers:
            reader.start()
        threading.Thread(target=self._watch, daemon=True).start()

    @property
    def pid(self) -> int:
        """Of the process, which leads its group."""
        return self._process.pid

    def signal(self, number: signal.Signals) -> None:
        """Sends a signal to the whole group; nothing happens if it is gone."""
        if not self.ended.done():
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, number)

    async def stop(self, grace: float) -> None:
        """SIGTERM, and SIGKILL after `grace` seconds; returns when the process is gone."""
        self.signal(signal.SIGTERM)
        done, _ = await asyncio.wait({self.ended}, timeout=grace)
        if not done:
            self._say(self.name, f"did not stop within {grace:.1f} s, killed")
            self.signal(signal.SIGKILL)
            await asyncio.wait({self.ended})

    def _keep(self, stream: IO[bytes]) -> None:
        while raw := stream.readline(LINE):
            self._log.write(raw)

    def _relay(self, stream: IO[bytes]) -> None:
        muffler = Muffler()
        while raw := stream.readline(LINE):
            self._log.write(raw)
            line = raw.decode(errors="replace").rstrip()
            self.last_words = sentence(plain(line)) or self.last_words
            if is_wrong(line) and muffler.admits(time.monotonic()):
                self._say(self.name, sentence(plain(line)))

    def _watch(self) -> None:
        code = self._process.wait()
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        for reader in self._readers:
            reader.join(timeout=1)
        self._log.close()
        with suppress(RuntimeError):  # the loop is closed: nobody waits
            self._loop.call_soon_threadsafe(self._settle, code)

    def _settle(self, code: int) -> None:
        if not self.ended.done():
            self.ended.set_result(code)


def inherited(more: Mapping[str, str]) -> dict[str, str]:
    """The environment of this process with `more`; a variable that is empty is left out."""
    return {name: value for name, value in {**os.environ, **more}.items() if value}


def bound_to(parent: int) -> Callable[[], None] | None:
    """What the new process does before it runs the command: it asks to die with `parent`."""
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None).prctl

    def bind() -> None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)

    return bind
