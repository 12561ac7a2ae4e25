"""Ids that are unique for ever and grow with time: of batches, claims and messages."""

import secrets
import time
from collections.abc import Callable

_EPOCH_MS = 1_704_067_200_000  # 2024-01-01T00:00:00Z
_WRITER_BITS = 22


class Snowflake:
    """UInt64: milliseconds since 2024 in the upper 42 bits, the writer, drawn by lot, in the lower 22.

    Strictly growing within a process, also when the clock is set back.
    """

    def __init__(self, clock: Callable[[], float] = time.time, writer: int | None = None) -> None:
        self.writer = secrets.randbits(_WRITER_BITS) if writer is None else writer
        self._clock = clock
        self._last = 0

    def next(self) -> int:
        """A new id."""
        self._last = max(self._last + 1, int(self._clock() * 1000) - _EPOCH_MS)
        return self._last << _WRITER_BITS | self.writer

    def above(self, greatest: int) -> int:
        """An id of this writer that is greater than another one, also where that is of a clock that was ahead: ids of
        batches, which have their time from it, do not follow."""
        return max(self.next(), (greatest >> _WRITER_BITS) + 1 << _WRITER_BITS | self.writer)


def first_id_at(seconds: float) -> int:
    """The least id of an instant (Unix time)."""
    return max(0, int(seconds * 1000) - _EPOCH_MS) << _WRITER_BITS
