"""All that is known of one assigned partition: deliveries, position and watermark. Pure."""

from __future__ import annotations

from typing import NamedTuple

from .ledger import Ledger, Ticket
from .watermark import Watermark


class Progress(NamedTuple):
    """How far one partition is done.

    `next`: every record below this offset is acknowledged.
    `as_of`: everything that reached Kafka before this instant is acknowledged (seconds of the steady
    clock in a book, Unix time where the transport tells it; 0 while unknown).
    """

    next: int
    as_of: float


class Book:
    """One partition from one assignment, or seek, to the next.

    The caller reports in the order in which things happened in the consumer: `fetched` when a
    fetch response arrives, `taken` when records leave the fetcher, `deliver` when they are handed
    to the stream. What was taken and is not yet delivered counts as outstanding. With `anew` the
    start itself is to be committed: what the broker has is of a log that is gone.
    """

    def __init__(self, start: int | None = None, as_of: float = 0.0, anew: bool = False) -> None:
        self.ledger = Ledger(start if anew else None)
        self._watermark = Watermark(as_of)
        self._done = start
        self._position = start
        self._taken = 0
        self._delivered = 0

    def behind(self, asked: int) -> bool:
        """Whether a fetch from `asked` says that the position was thrown back."""
        return self._position is not None and asked < self._position

    def fetched(self, asked_at: float, asked: int, log_end: int) -> None:
        """A fetch from offset `asked`, sent at `asked_at`, was answered with `log_end`."""
        self._position = asked
        if self._done is None:
            self._done = asked
        # A position beyond the end is one of another log (the topic was made again): it says
        # nothing about what this log holds.
        if asked <= log_end:
            self._watermark.sample(asked_at, log_end)

    def taken(self, next_offset: int) -> None:
        """Records up to `next_offset` left the fetcher and are on their way to the stream."""
        self._taken = next_offset

    def deliver(self, next_offset: int) -> Ticket:
        """Records up to `next_offset` are handed to the stream."""
        self._delivered = next_offset
        return self.ledger.deliver(next_offset)

    def progress(self) -> Progress | None:
        """How far this partition is done now, None while the position is unknown."""
        self._done = max(self._reached(), default=None)
        if self._done is None:
            return None
        return Progress(self._done, self._watermark.reached(self._done))

    def _reached(self) -> list[int]:
        reached = [self._done, self.ledger.end]
        if self._taken <= self._delivered and self.ledger.idle:
            # Nothing is outstanding, so all below the position is done, holes included.
            reached.append(self._position)
        return [offset for offset in reached if offset is not None]
