"""Records that may be of a topic that was recreated before that was noticed.

A fetch names a topic, not its epoch, so what came in the last seconds may be of the new topic, which is then read from
its beginning: a record that is read again is not sent again.
"""

from collections.abc import Iterable

from api.push.channel import Channel, Entry, Value
from api.push.read_positions import Positions
from shopstream.contracts.cursor import Partition, Position

SUSPECT_SECONDS = 10
"""More than the time in which it is noticed that a topic was recreated."""


class Suspects:
    """The latest entries of recreated topics, by partition and next offset."""

    def __init__(self) -> None:
        self._entries: dict[tuple[Partition, int], Entry] = {}

    def find(
        self, channels: Iterable[Channel], before: Positions, positions: Positions, now: float
    ) -> None:
        """Those of topics whose epoch is another one in `positions` than `before`; `now` is Unix time."""
        recreated = {
            partition
            for partition, position in positions.items()
            if (known := before.get(partition)) is not None and known.epoch != position.epoch
        }
        self._entries = {
            (entry.partition, entry.position.next): entry
            for channel in (channels if recreated else ())
            for entry in channel.entries
            if entry.partition in recreated and entry.at > now - SUSPECT_SECONDS
        }

    def is_known(
        self, channel: Channel, partition: Partition, position: Position, at: int, value: Value
    ) -> bool:
        """Whether this record is one of them; that entry gets the epoch of `position`."""
        entry = self._entries.pop((partition, position.next), None) if self._entries else None
        if entry is None or entry.at != at or not entry.is_of(value):
            return False
        channel.correct_epoch(entry, position)
        return True
