"""Standard output whose faults can be told from those of other files."""

import io
import os
import sys
from typing import Any

from shopstream.faults import Fault


class OutputFailed(Fault):
    """Standard output is full, or nobody reads it any more."""


class _Output(io.FileIO):
    def write(self, data: Any) -> int | None:  # type: ignore[override]
        try:
            return super().write(data)
        except OSError as error:
            raise OutputFailed(
                f"Standard output cannot be written to ({error.strerror})."
            ) from None


def watch_output() -> None:
    """From now on a fault of standard output is an `OutputFailed`. What a caller has closed takes everything."""
    if sys.stdout is None:
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115, PTH123
    elif isinstance(sys.stdout, io.TextIOWrapper):
        raw = _Output(sys.stdout.fileno(), "w", closefd=False)
        sys.stdout = io.TextIOWrapper(
            io.BufferedWriter(raw),
            sys.stdout.encoding,
            "backslashreplace",  # what is printed comes from events, files and flags: any text, and any terminal
            line_buffering=sys.stdout.line_buffering,
        )


def drop_output() -> None:
    """What could not be written is written nowhere: else the interpreter tries again at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
