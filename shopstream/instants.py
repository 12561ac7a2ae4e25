"""Instants that stay true when somebody sets the clock. No I/O but the two clocks.

An instant is kept on a steady clock, which nobody sets and which counts while the machine sleeps. What it is on the
wall clock is computed when it is reported:

- a clock that was set back takes the instant with it, so that it never lies in the future;
- a clock that was set forward does not: what was before the earlier reading is before the later one too.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime

SMALL = 0.001
"""Seconds: what clocks differ by between two readings; an instant is reported so much too early."""
SET = 0.5
"""Seconds that count as a clock that was set, not one that is slowed down or sped up."""
KEPT = 16
"""Settings of the clock that are remembered; older ones are joined, to the lesser lead."""
_FOR_EVER = float("inf")


def steady_seconds() -> float:
    """Seconds of a clock that nobody sets, and which counts while the machine sleeps."""
    return time.clock_gettime(_STEADY)


_STEADY: int = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


class Instants:
    """What the wall clock was ahead of the steady one, and until when. Belongs to one thread, but for `steady`."""

    def __init__(
        self,
        steady: Callable[[], float] = steady_seconds,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self.steady = steady
        self._wall = wall
        self._leads = [(_FOR_EVER, self._measured())]
        self._times_set_back = 0

    @property
    def times_set_back(self) -> int:
        """How often the wall clock was set back, as far as anybody looked."""
        self._look()
        return self._times_set_back

    def now(self) -> datetime:
        """The wall clock, in UTC."""
        return datetime.fromtimestamp(self._wall(), UTC)

    def wall(self, at: float) -> float:
        """What an instant of the steady clock is on the wall clock (Unix time), never later than that was shown."""
        self._look()
        return at + self._least_lead(at) - SMALL

    def shift(self, since: float) -> float:
        """Seconds, 0 or less, by which an instant of the wall clock that was true then is reported earlier now."""
        self._look()
        then = next(lead for until, lead in self._leads if until >= since)
        by = self._least_lead(since) - then
        return by if by < -SMALL else 0.0

    def _least_lead(self, since: float) -> float:
        return min(lead for until, lead in self._leads if until >= since)

    def _look(self) -> None:
        measured, known = self._measured(), self._leads[-1][1]
        if -SMALL <= measured - known <= 10 * SMALL:
            return
        self._times_set_back += measured < known - SET
        self._leads[-1] = (self.steady(), known)
        self._leads.append((_FOR_EVER, measured))
        if len(self._leads) > KEPT:
            (_, gone), (until, lead) = self._leads[:2]
            self._leads[:2] = [(until, min(gone, lead))]

    def _measured(self) -> float:
        """At most what it is, whatever came between the readings."""
        found = []
        for _ in range(3):
            before, wall, after = self.steady(), self._wall(), self.steady()
            found.append(wall - after)
            if after - before < SMALL:
                return wall - after
        return max(found)
