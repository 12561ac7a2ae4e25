"""The positions of a stream, and their cursor text, of which an event changes one segment."""

from collections.abc import Mapping

from shopstream.contracts.cursor import (
    NAMES,
    Partition,
    Position,
    Run,
    encode,
    runs,
    segment,
    text_of,
)


class CursorEncoder:
    """`text()` equals `encode(positions, at)` at a fraction of its price.

    `at`: Unix seconds when the last event before these positions arrived.
    """

    def __init__(self, positions: Mapping[Partition, Position], at: int) -> None:
        self.positions = dict(positions)
        self.at = at
        self._segments: list[bytes] = []
        self._offsets: dict[str, tuple[int, Run]] = {}
        """By topic: index of its segment, and its one run; empty where a topic has several."""
        self._arrange()

    def advance(self, partition: Partition, position: Position, at: int) -> None:
        """Moves a partition to `position`; what lies before it arrived by `at`."""
        self.positions[partition] = position
        self.at = max(self.at, at)
        known = self._offsets.get(partition.topic)
        if known is None:
            self._arrange()
            return
        index, run = known
        if position.epoch != run.epoch or partition.partition >= len(run.offsets):
            self._arrange()
            return
        run.offsets[partition.partition] = position.next
        self._segments[index] = segment(*run)

    def text(self) -> str:
        """The cursor text of `positions`."""
        if not self._offsets:
            return encode(self.positions, self.at)
        return text_of(self.at, self._segments)

    def _arrange(self) -> None:
        found = runs(self.positions)
        # so they are of a broker: a topic has one epoch and partitions from 0
        plain = len({run.topic for run in found}) == len(found) and not any(r.first for r in found)
        whole = found if plain else []
        self._segments = [segment(*run) for run in whole]
        self._offsets = {NAMES[run.topic]: (i, run) for i, run in enumerate(whole)}
