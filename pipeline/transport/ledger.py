"""Which deliveries of one partition are acknowledged. Pure: no clock, no I/O."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass


@dataclass(slots=True, eq=False)
class Ticket:
    """One delivery: the offset after its last record, and whether it is acknowledged."""

    next: int
    acked: bool = False


class Ledger:
    """Deliveries of one partition, in the order in which they were handed out.

    Acknowledgements may come in any order; only the acknowledged prefix counts. Offsets need not
    be consecutive, so holes in the log (markers, compaction) hold nothing back. With `end` the
    prefix begins there and is to be committed, over whatever the broker has.
    """

    def __init__(self, end: int | None = None) -> None:
        self._open: deque[Ticket] = deque()
        self._end = end
        self._saved: int | None = None

    def deliver(self, next_offset: int) -> Ticket:
        """Note a delivery that ends before `next_offset`."""
        ticket = Ticket(next_offset)
        self._open.append(ticket)
        return ticket

    @property
    def end(self) -> int | None:
        """End of the acknowledged prefix (an offset), None before the first."""
        self._advance()
        return self._end

    @property
    def idle(self) -> bool:
        """Whether everything delivered is acknowledged."""
        self._advance()
        return not self._open

    def unsaved(self) -> int | None:
        """The offset to commit, None if the broker already has it."""
        end = self.end
        return None if end == self._saved else end

    def saved(self, offset: int) -> None:
        """The broker confirmed a commit of `offset`; without this it is offered again."""
        self._saved = offset

    def _advance(self) -> None:
        while self._open and self._open[0].acked:
            self._end = self._open.popleft().next
