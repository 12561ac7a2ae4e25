"""How a rival tells the bench how far it is: a small file, written anew after each batch."""

import os
from pathlib import Path

VARIABLE = "BENCH_PROGRESS"


class Progress:
    """In the rival's process. `assigned` when it has partitions, `stored` after each batch."""

    def __init__(self) -> None:
        self._file = os.open(os.environ[VARIABLE], os.O_WRONLY | os.O_CREAT)
        self._count = 0

    def assigned(self) -> None:
        """The clock of the bench starts here."""
        self.stored(0)

    def stored(self, events: int) -> None:
        """So many more are in the engine."""
        self._count += events
        os.pwrite(self._file, b"%020d" % self._count, 0)


def read(path: Path) -> int | None:
    """Events stored so far; None before there are partitions."""
    content = path.read_bytes() if path.exists() else b""
    return int(content) if content else None
