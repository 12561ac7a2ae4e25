"""The positions of a stream, and their cursor text, of which an event changes one segment."""

from collections.abc import Mapping

from shopstream.contracts.cursor import Partition, Position, encode, segment, text_of
from shopstream.contracts.topics import TOPICS

_INDEX = {topic.name: i for i, topic in enumerate(TOPICS)}


class CursorEncoder:
    """`text()` equals `encode(positions, at)` at a fraction of its price.

    `at`: Unix seconds when the last event before these positions arrived.
    """

    def __init__(self, positions: Mapping[Partition, Position], at: int) -> None:
        self.positions = dict(positions)
        self.at = at
        self._segments: list[bytes] = []
        self._offsets: dict[str, tuple[int, int, list[int]]] = {}
        """By topic whose partitions are one run from 0: index of its segment, epoch, offsets."""
        self._arrange()

    def advance(self, partition: Partition, position: Position, at: int) -> None:
        """Moves a partition to `position`; what lies before it arrived by `at`."""
        self.positions[partition] = position
        self.at = max(self.at, at)
        known = self._offsets.get(partition.topic)
        if known is None or position.epoch != known[1] or partition.partition >= len(known[2]):
            self._arrange()
            return
        index, epoch, offsets = known
        offsets[partition.partition] = position.next
        self._segments[index] = segment(_INDEX[partition.topic], epoch, 0, offsets)

    def text(self) -> str:
        """The cursor text of `positions`."""
        if not self._offsets:
            return encode(self.positions, self.at)
        return text_of(self.at, self._segments)

    def _arrange(self) -> None:
        by_topic: dict[str, dict[int, Position]] = {}
        for partition, position in self.positions.items():
            by_topic.setdefault(partition.topic, {})[partition.partition] = position
        self._segments, self._offsets = [], {}
        for topic in sorted(by_topic, key=_INDEX.__getitem__):
            known = by_topic[topic]
            epochs = {position.epoch for position in known.values()}
            if len(epochs) > 1 or set(known) != set(range(len(known))):
                # never of a broker: a topic has one epoch and partitions from 0
                self._segments, self._offsets = [], {}
                return
            epoch, offsets = epochs.pop(), [known[n].next for n in range(len(known))]
            self._offsets[topic] = (len(self._segments), epoch, offsets)
            self._segments.append(segment(_INDEX[topic], epoch, 0, offsets))
