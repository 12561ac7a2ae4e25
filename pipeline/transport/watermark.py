"""Until which instant everything of one partition is included. Pure: instants are passed in, those of a steady clock.

A sample says: a fetch request sent at `asked_at` was answered with log end `log_end`. What reached
Kafka before `asked_at` is therefore below `log_end`, and it is included once everything below
`log_end` is done.
"""

from __future__ import annotations

from collections import deque

KEPT = 64  # samples; a worker that lags keeps coarser ones, never more


class Watermark:
    """Samples of one partition that are not reached yet, and the last instant that is."""

    def __init__(self, as_of: float = 0.0) -> None:
        self._ahead: deque[tuple[float, int]] = deque()
        self._as_of = as_of

    def __len__(self) -> int:
        return len(self._ahead)

    def sample(self, asked_at: float, log_end: int) -> None:
        """Add one sample (seconds of the steady clock, offset)."""
        if self._ahead:
            # A log end that falls (a new leader that lags) promises nothing less than before.
            log_end = max(log_end, self._ahead[-1][1])
            if self._ahead[-1][1] == log_end:
                asked_at = max(asked_at, self._ahead.pop()[0])
        self._ahead.append((asked_at, log_end))
        if len(self._ahead) > KEPT:
            self._thin()

    def reached(self, done: int) -> float:
        """The instant up to which all is included when everything below offset `done` is.

        Seconds of the steady clock, 0 before the first sample is reached; never goes back.
        """
        while self._ahead and self._ahead[0][1] <= done:
            self._as_of = max(self._as_of, self._ahead.popleft()[0])
        return self._as_of

    def _thin(self) -> None:
        # Ends stay: the first is reached next, the last is the freshest. Dropping a sample only
        # makes the watermark step further at once.
        kept = list(self._ahead)
        self._ahead = deque([*kept[:-1:2], kept[-1]])
