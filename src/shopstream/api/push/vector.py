"""Where a room is in every partition, and its cursor text, of which an event changes one entry."""

import base64
from bisect import bisect_left
from collections.abc import Mapping

from shopstream.contracts.cursor import Partition, Position, encode
from shopstream.contracts.topics import TOPICS

_ORDER = {topic.name: i for i, topic in enumerate(TOPICS)}
_VERSION = encode({})
_HEAD = base64.urlsafe_b64decode(_VERSION + "=" * (-len(_VERSION) % 4))


def _rank(place: Partition) -> tuple[int, int]:
    return _ORDER[place.topic], place.partition


def _entry(place: Partition, position: Position) -> bytes:
    text = encode({place: position})
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))[len(_HEAD) :]


class Vector:
    """Positions by partition. `text()` equals `encode(positions)` at a fraction of its price."""

    def __init__(self, positions: Mapping[Partition, Position]) -> None:
        self.positions = dict(positions)
        places = sorted(positions, key=_rank)
        self._ranks = [_rank(place) for place in places]
        self._entries = [_entry(place, positions[place]) for place in places]

    def move(self, place: Partition, position: Position) -> None:
        """The stream has seen everything before `position`."""
        rank = _rank(place)
        at = bisect_left(self._ranks, rank)
        if place not in self.positions:
            self._ranks.insert(at, rank)
            self._entries.insert(at, b"")
        self.positions[place] = position
        self._entries[at] = _entry(place, position)

    def text(self) -> str:
        """The cursor."""
        whole = b"".join((_HEAD, *self._entries))
        return base64.urlsafe_b64encode(whole).decode().rstrip("=")
