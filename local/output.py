"""The output of supervised processes: everything to a log file, what is wrong to the terminal."""

import re
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from io import FileIO
from pathlib import Path

from shopstream.logs import as_json

ROTATE_AT = 5 * 1024 * 1024
"""Bytes; a log that would be longer is moved to `.1`, in place of the one that is there."""
LINE = 64 * 1024
"""Bytes of a line that are looked at together."""

Say = Callable[[str, str], None]
"""Takes the name of a process and a line for the terminal."""

_CODES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|[@-Z\\-_])")
"""Escape sequences of ECMA-48."""
_WRONG = re.compile(r"\b(?:ERROR|CRITICAL|FATAL|panicked|\w+(?:Error|Exception):)")


class Log:
    """A file that is appended to, and the one before it; from several threads. What a full disk does not take is lost.

    Raises:
        OSError: at construction, the file cannot be opened.
    """

    def __init__(
        self, path: Path, limit: int = ROTATE_AT, shape: Callable[[bytes], bytes] = bytes
    ) -> None:
        self._path = path
        self._shape = shape
        self._limit = limit
        self._lock = threading.Lock()
        self._file = self._opened()
        self._size = path.stat().st_size

    def write(self, line: bytes) -> None:
        """Appends what `shape` makes of a line; nothing that fails here is worth a process."""
        line = self._shape(line)
        with self._lock, suppress(OSError, ValueError):
            if self._size and self._size + len(line) > self._limit:
                self._rotate()
            self._size += self._file.write(line)

    def close(self) -> None:
        """What is written after this is lost."""
        with self._lock:
            self._file.close()

    def _rotate(self) -> None:
        with suppress(FileNotFoundError):  # somebody has deleted it
            self._path.replace(self._path.with_suffix(self._path.suffix + ".1"))
        fresh = self._opened()
        self._file.close()
        self._file, self._size = fresh, 0

    def _opened(self) -> FileIO:
        self._path.parent.mkdir(exist_ok=True)
        return self._path.open("ab", buffering=0)


def json_lines(process: str, now: Callable[[], datetime]) -> Callable[[bytes], bytes]:
    """Makes a line of JSON of every line of a process; what is one already stays."""

    def shape(raw: bytes) -> bytes:
        line = plain(raw.decode(errors="replace")).rstrip()
        return as_json(line, process, now()).encode() + b"\n" if line else b""

    return shape


def plain_lines(raw: bytes) -> bytes:
    """A line without codes for a terminal; a line of nothing else is none."""
    if b"\x1b" not in raw:
        return raw
    text = plain(raw.decode(errors="replace"))
    return text.encode() if text.strip() else b""


def plain(text: str) -> str:
    return _CODES.sub("", text)


def is_wrong(line: str) -> bool:
    return _WRONG.search(line) is not None


class Muffler:
    """Lets at most `limit` lines through in `per` seconds, so that a storm does not hide the rest."""

    def __init__(self, limit: int = 5, per: float = 10.0) -> None:
        self._limit = limit
        self._per = per
        self._begun = float("-inf")
        self._count = 0

    def admits(self, now: float) -> bool:
        """Whether a line at the instant `now` (seconds) is shown."""
        if now - self._begun >= self._per:
            self._begun, self._count = now, 0
        self._count += 1
        return self._count <= self._limit
