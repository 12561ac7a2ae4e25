"""Child processes on loopback that never outlive the bench, and the CPU they use."""

import ctypes
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple, Self

from local.clickhouse.logins import dump, login
from local.probes import free_port
from shopstream.broker import BrokerUnreachable, TopicAdmin
from shopstream.contracts.topics import ORDERS
from shopstream.settings import Settings

_libc = ctypes.CDLL(None)
_CPUCLOCK_SCHED = 2
MIB = 2**20
PDEATHSIG = 1
START_SECONDS = 60.0


class Failed(Exception):
    """A process did not do what the bench needs; `str()` says which, and its last lines."""


class Child:
    """One process. Use as `with Child(…) as child`: it is gone afterwards."""

    def __init__(
        self,
        name: str,
        command: list[str],
        log: Path,
        env: Mapping[str, str],
    ) -> None:
        self.name = name
        self._command = command
        self._log = log
        self._env = env

    def __enter__(self) -> Self:
        ours = {name: value for name, value in os.environ.items() if "SHOPSTREAM" not in name}
        with self._log.open("ab") as out:
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                env={**ours, **self._env},
                start_new_session=True,
                preexec_fn=lambda: _libc.prctl(PDEATHSIG, signal.SIGKILL),
            )
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(15)
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    @property
    def number(self) -> int:
        """Of the process."""
        return self._process.pid

    def cpu(self) -> float:
        """Seconds of CPU since its start."""
        return cpu(self._process.pid)

    def children(self) -> dict[int, str]:
        """Command lines of the processes that it started, by number."""
        found = {}
        for entry in Path("/proc").iterdir():
            with suppress(OSError):
                if entry.name.isdigit() and int(_stat(int(entry.name))[1]) == self._process.pid:
                    line = (entry / "cmdline").read_text().replace("\0", " ")
                    found[int(entry.name)] = line
        return found

    def check(self) -> None:
        """Raises `Failed` where it has ended."""
        if self._process.poll() is not None:
            raise self.failed(f"ended with {self._process.returncode}")

    def failed(self, why: str) -> Failed:
        """With the last lines of its log."""
        lines = self._log.read_text(errors="replace").splitlines()[-15:]
        return Failed("\n".join([f"{self.name}: {why}", *lines]))

    def until(self, done: Callable[[], bool], within: float, pause: float = 0.02) -> None:
        """Asks until it is so; raises `Failed` when the time is up or the process has ended."""
        end = time.monotonic() + within
        while not done():
            self.check()
            if time.monotonic() > end:
                raise self.failed(f"not done within {within:g} s")
            time.sleep(pause)


def cpu(process: int) -> float:
    """Seconds of CPU since the start of a process, of all its threads; by its clock, see clock_getcpuclockid(3)."""
    return time.clock_gettime(~process << 3 | _CPUCLOCK_SCHED)


def proportional(process: int) -> float:
    """Bytes of memory of a process; of what it shares with others, its part."""
    lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))


def _stat(process: int) -> list[str]:
    """The fields of /proc/N/stat behind the name."""
    return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()


class EngineAddress(NamedTuple):
    port: int
    user: str
    password: str

    @property
    def url(self) -> str:
        return f"http://{self.user}:{self.password}@127.0.0.1:{self.port}"


@contextmanager
def broker(folder: Path) -> Iterator[tuple[Child, str]]:
    """One Kafka node on a fresh directory, as `up` runs it, and its bootstrap address."""
    port = free_port()
    bootstrap = f"127.0.0.1:{port}"
    command = [sys.executable, "-m", "local.kafka"]
    command += ["--folder", str(folder / "kafka"), "--port", str(port)]
    with Child("broker", command, folder / "broker.log", {}) as child:
        child.until(lambda: _serves(bootstrap), START_SECONDS, 0.1)
        yield child, bootstrap


def _serves(bootstrap: str) -> bool:
    try:
        with TopicAdmin(Settings(kafka_bootstrap=bootstrap)) as admin:
            admin.partitions([ORDERS])
    except BrokerUnreachable:
        return False
    return True


@contextmanager
def engine(folder: Path) -> Iterator[tuple[Child, EngineAddress]]:
    """ClickHouse on a fresh directory, as `up` runs it."""
    from shopbench.sql import Sql

    address = EngineAddress(free_port(), "bench", secrets.token_hex(16))
    command = [sys.executable, "-m", "local.clickhouse"]
    command += ["--path", str(folder / "engine"), "--port", str(address.port)]
    command += ["--native-port", str(free_port())]
    env = {"SHOPSTREAM_ENGINE_LOGINS": dump({address.user: login(address.password)})}
    with Child("engine", command, folder / "engine.log", env) as child:
        child.until(Sql(address).answers, START_SECONDS, 0.1)
        yield child, address
