"""The output of supervised processes: everything to a log file, what is wrong to the terminal."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

ROTATE_AT = 5 * 1024 * 1024
"""Bytes; a bigger log is moved to `.1` when its process starts."""

Say = Callable[[str, str], None]
"""Takes the name of a process and a line for the terminal."""

_WRONG = re.compile(r"\b(?:ERROR|CRITICAL|FATAL|panicked|\w+(?:Error|Exception):)")


def open_log(path: Path, limit: int = ROTATE_AT) -> BinaryIO:
    """The log, to append to, unbuffered; one that is too long is put aside first."""
    if path.exists() and path.stat().st_size > limit:
        path.replace(path.with_suffix(path.suffix + ".1"))
    return path.open("ab", buffering=0)


def is_wrong(line: str) -> bool:
    """Whether a line tells of an error."""
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
