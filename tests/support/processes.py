"""Child processes that never outlive the tests, however these end."""

import itertools
import os
import signal
import socket
import subprocess
from pathlib import Path

from support.waiting import eventually
from support.warm import Command, Warm, die_with_parent

FIRST_PORT, PORTS = 12_000, 2_500
"""Below those that the kernel gives to outgoing connections; each process of the tests has a range of its own."""


def free_port() -> int:
    """One that nobody listens on and that this process has not given before."""
    number = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    first = FIRST_PORT + number % 8 * PORTS
    while True:
        port = first + next(_ports) % PORTS
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


_ports = itertools.count(os.getpid())


class Child:
    """One process of a system under test. `wanted` says whether it should be running now.

    Start it from the main thread: the kernel ends it with the thread that started it. With `warm` it is forked
    from a process that has loaded that command, instead of `command`.
    """

    def __init__(
        self,
        name: str,
        command: list[str],
        log: Path,
        env: dict[str, str],
        warm: Command | None = None,
    ) -> None:
        self.name = name
        self.command = command
        self.log = log
        self.env = env
        self.warm = warm
        self.wanted = False
        self.starts = 0
        self.process: subprocess.Popen[bytes] | Warm | None = None

    def start(self) -> None:
        assert not self.running, f"{self.name} runs already"
        ours = {name: value for name, value in os.environ.items() if "SHOPSTREAM" not in name}
        env = {**ours, **self.env}
        self.process = Warm(self.warm, self.log, env) if self.warm else self._run(env)
        self.wanted = True
        self.starts += 1

    def _run(self, env: dict[str, str]) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as out:
            return subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                env=env,
                start_new_session=True,
                preexec_fn=die_with_parent,
            )

    @property
    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def send(self, number: int) -> None:
        """A signal to it and to what it started."""
        if self.process is not None and self.process.poll() is None:
            try:
                os.killpg(self.process.pid, number)
            except ProcessLookupError:  # a moment after a fork it has no group of its own yet
                os.kill(self.process.pid, number)

    def kill(self) -> None:
        """kill -9, and it is gone when this returns."""
        self.wanted = False
        self.send(signal.SIGKILL)
        if self.process is not None:
            self.process.wait(10)

    def freeze(self) -> None:
        """All its threads stand still when this returns: on a busy machine some go on for a while after the signal."""
        self.send(signal.SIGSTOP)
        eventually(lambda: not self.running or self._stands_still(), what=f"{self.name} frozen")

    def _stands_still(self) -> bool:
        assert self.process is not None
        threads = Path(f"/proc/{self.process.pid}/task").iterdir()
        states = [(each / "stat").read_text().rpartition(")")[2].split()[0] for each in threads]
        return set(states) <= {"T", "Z", "X"}

    def wake(self) -> None:
        self.send(signal.SIGCONT)

    def stop(self, within: float = 10.0) -> int:
        """SIGTERM; the exit code."""
        assert self.process is not None
        self.wanted = False
        self.send(signal.SIGTERM)
        return self.process.wait(within)

    def fell(self) -> bool:
        """Whether it ended on its own."""
        return self.wanted and not self.running

    def tail(self, lines: int = 30) -> str:
        text = self.log.read_text(errors="replace") if self.log.exists() else ""
        ended = "running" if self.running else f"exit {self.process and self.process.returncode}"
        return f"--- {self.name} ({ended}), {self.log}\n" + "\n".join(text.splitlines()[-lines:])
