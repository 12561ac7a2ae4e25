"""The data directory of `shopstream up`: its lock, its secrets, and `up.json` for others."""

import fcntl
import hmac
import json
import os
import secrets
import stat
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

from shopstream import restarts
from shopstream.faults import Fault

OTHERS = 0o077
OURS = frozenset({"secrets.json", "up.lock", "up.json"})


class DirectoryUnusable(Fault):
    """The data directory cannot be used; `str()` is a sentence that names the flag."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(
            f"The data directory {path} cannot be used ({reason}): choose another with --data-dir."
        )


@dataclass(frozen=True, slots=True)
class Secrets:
    """Made once for a data directory. `jwt` signs tokens; the others are the engine's passwords."""

    jwt: str
    shopstream: str
    bi: str

    def bi_of(self, shop: str) -> str:
        """The password of the login that reads one shop."""
        key = self.bi.encode()
        return hmac.new(key, f"shopstream bi {shop}".encode(), "sha256").hexdigest()


@dataclass(frozen=True, slots=True)
class Addresses:
    """What `up.json` holds, from before anything serves; `ready` once everything did.

    With a ClickHouse that is not our own there is no native port and no login for BI.

    `bi_shops`: the address with the login of each shop of `--bi-shop`.
    """

    api: str
    kafka: str
    clickhouse: str
    clickhouse_native_port: int | None
    bi: str | None
    bi_shops: dict[str, str]
    pid: int
    kafka_partitions: int
    pipeline: str | None = None
    kafka_version: str | None = None
    ready: bool = False


class Directory:
    """`path`, made if it is not there, held by this process until `release`.

    Raises:
        DirectoryUnusable: it cannot be made or written, or another `up` holds it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        if "," in str(self.path):
            raise DirectoryUnusable(path, "Kafka takes a comma for the end of a path")
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._close_to_others()
            self.logs.mkdir(exist_ok=True)
            self._lock = self._hold()
            # one that was killed leaves its own behind
            self._forget()
        except OSError as error:
            raise DirectoryUnusable(path, error.strerror or str(error)) from None

    @property
    def logs(self) -> Path:
        """Where the output of the processes goes."""
        return self.path / "logs"

    def release(self) -> None:
        """Takes `up.json` away and lets another `up` use the directory."""
        self._forget()
        self._lock.close()

    def secrets(self) -> Secrets:
        """The secrets of this directory, made at the first call; the file has mode 0600.

        Raises:
            DirectoryUnusable: the file is there but is not ours.
        """
        path = self.path / "secrets.json"
        try:
            if not path.exists():
                made = (secrets.token_urlsafe(32) for _ in range(3))
                write_private(path, asdict(Secrets(*made)))
            path.chmod(0o600)  # a copy of it may have another mode
            return Secrets(**json.loads(path.read_bytes()))
        except (ValueError, TypeError):
            raise DirectoryUnusable(self.path, "secrets.json is not readable") from None
        except OSError as error:
            raise DirectoryUnusable(self.path, error.strerror or str(error)) from None

    def announce(self, addresses: Addresses) -> None:
        """Writes `up.json` (mode 0600).

        Raises:
            DirectoryUnusable: it cannot be written.
        """
        try:
            write_private(self.path / "up.json", asdict(addresses))
        except OSError as error:
            raise DirectoryUnusable(self.path, error.strerror or str(error)) from None

    def note_restarts(self, counts: Mapping[str, int]) -> None:
        """Writes how often each process was started again; a full disk ends nothing."""
        with suppress(OSError):
            write_private(self.path / restarts.FILE, dict(counts))

    def _forget(self) -> None:
        for name in ("up.json", restarts.FILE):
            (self.path / name).unlink(missing_ok=True)

    def _close_to_others(self) -> None:
        """Whoever can read it has every password. One that is not ours is left as it is."""
        mode = stat.S_IMODE(self.path.stat().st_mode)
        if not mode & OTHERS:
            return
        inside = {entry.name for entry in self.path.iterdir()}
        if inside and not inside & OURS:
            raise DirectoryUnusable(
                self.path,
                f"it is open to others, mode {mode:04o}, and has files that are not of shopstream;"
                " chmod 700 makes it private",
            )
        self.path.chmod(mode & ~OTHERS)

    def _hold(self) -> IO[str]:
        lock = (self.path / "up.lock").open("a+")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            holder = lock.read().strip() or "unknown"
            lock.close()
            raise DirectoryUnusable(
                self.path, f"another `shopstream up` uses it, process {holder}"
            ) from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        return lock


def write_private(path: Path, content: dict[str, Any]) -> None:
    """Replaces `path` by JSON that only its owner can read, in one step."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(json.dumps(content, indent=2) + "\n")
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
