"""The stream of one shop: its latest events in order, where it is, and who listens."""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Protocol, TypeVar

from api.push.cursor_encoder import CursorEncoder
from api.push.encoding import Encoding
from api.push.records import PushEvent, one_line, read_record
from api.push.subscriber import Subscriber
from shopstream.contracts.cursor import Partition, Position

Positions = Mapping[Partition, Position]
Group = dict[Subscriber, None]
MAX_ENTRIES = 4096
"""Entries that a channel keeps for those who fell behind or come back."""
ENTRY_SIZE = 400
"""Bytes that an entry takes beside its value, about."""
MAX_WRITE = 64 * 1024
"""Bytes of events that are written to a subscriber at once, or one event."""


Value = bytes | PushEvent | None
"""Of a record: its bytes, or, where it was checked before, what is pushed of it; None also where it was refused."""


class Sized(Protocol):
    """What takes bytes."""

    @property
    def size(self) -> int: ...


_Sized = TypeVar("_Sized", bound=Sized)


@dataclass(eq=False, slots=True)
class Entry:
    """A record of the shop. `value` is read only when somebody is to get it; `event` None: it was refused.

    `before` is where the partition was, `position` is right after the record, `at` Unix seconds of its arrival,
    `size` its bytes in memory, about.
    """

    seq: int
    place: Partition
    before: Position
    position: Position
    at: int
    value: Value
    size: int
    event: PushEvent | None = None
    cursor: str = ""

    def is_of(self, value: Value) -> bool:
        """Whether it was made of this record; never of one that was refused."""
        if self.event is not None and isinstance(value, bytes):
            return self.event.value == one_line(value)
        known = self.value if self.event is None else self.event
        return known is not None and known == value


class Channel:
    """`base` is where the reading of each partition began; in the partitions of `moved` the shop had records since.

    Entries are numbered from 1 without holes; `sent` is the last one that was written to the live subscribers. A
    channel that nobody listens to keeps its entries as bytes: a record is parsed where somebody is to get it.
    """

    __slots__ = (
        "at",
        "base",
        "encoder",
        "entries",
        "evicted",
        "groups",
        "members",
        "moved",
        "sent",
        "seq",
        "shop",
    )

    def __init__(self, shop: str, base: Positions, at: int) -> None:
        self.shop = shop
        self.base = base
        self.at = at
        self.moved: dict[Partition, Position] = {}
        self.evicted: dict[Partition, Position] = {}
        self.entries: deque[Entry] = deque()
        self.seq = 0
        self.sent = 0
        self.groups: dict[tuple[Encoding, frozenset[str]], Group] = {}
        """Live subscribers by what they get; those who are behind are in none."""
        self.members: set[Subscriber] = set()
        self.encoder: CursorEncoder | None = None
        """Stands while somebody listens."""

    def append(self, place: Partition, position: Position, at: int, value: Value) -> Entry:
        """Adds a record."""
        before = self.moved.get(place) or self.base.get(place) or Position(position.epoch, 0)
        self.seq += 1
        self.at = max(self.at, at)
        raw = value.value if isinstance(value, PushEvent) else value
        size = ENTRY_SIZE + len(raw or b"")
        entry = Entry(self.seq, place, before, position, at, value, size)
        self.moved[place] = position
        self.entries.append(entry)
        if self.encoder is not None:
            self.encoder.move(place, position, at)
            self._read(entry, self.encoder)
        return entry

    def evict(self) -> Entry:
        """Forgets the oldest entry."""
        entry = self.entries.popleft()
        now = self.base.get(entry.place)
        if now is not None and now.epoch == entry.position.epoch:
            self.evicted[entry.place] = entry.position
        return entry

    def listen(self) -> CursorEncoder:
        """Begins to keep a cursor text."""
        if self.encoder is None:
            self.encoder = CursorEncoder(self.positions(), self.at)
        return self.encoder

    def cursor(self) -> str:
        """Where the channel is now."""
        return self.listen().text()

    def positions(self) -> dict[Partition, Position]:
        """What the shop's stream has seen."""
        return {**self.base, **self.moved}

    def floor(self) -> dict[Partition, Position]:
        """From where on every record of the shop is among the entries."""
        return {**self.base, **self.evicted}

    def move(self, entry: Entry, position: Position) -> None:
        """The entry is of another incarnation of its topic than it seemed. Its cursor stays: who comes back with it is
        told to begin anew, and loses nothing without a word."""
        entry.position = position
        self.moved[entry.place] = position
        if self.encoder is not None:
            self.encoder.move(entry.place, position, entry.at)

    def skip(self, place: Partition, position: Position) -> None:
        """What lay before `position` is not among the entries."""
        self.moved[place] = self.evicted[place] = position
        if self.encoder is not None:
            self.encoder.move(place, position, self.at)

    def begin(self, base: Positions) -> None:
        """These are the partitions now: those of a topic that was made again start anew."""

        def stands(place: Partition, position: Position) -> bool:
            return place in base and base[place].epoch == position.epoch

        self.base = base
        self.moved = {p: position for p, position in self.moved.items() if stands(p, position)}
        self.evicted = {p: position for p, position in self.evicted.items() if stands(p, position)}
        if self.encoder is not None:
            self.encoder = CursorEncoder(self.positions(), self.at)

    def positions_at(self, seq: int) -> dict[Partition, Position]:
        """What the stream had seen with entry `seq`: its present place, and everything since taken back."""
        positions = self.positions()
        for later in reversed(self.entries):
            if later.seq <= seq:
                break
            if later.place in positions:
                positions[later.place] = later.before
        return positions

    def newest(self, count: int) -> list[Entry]:
        """The last entries."""
        # from the end: a deque finds its n-th entry by passing n others
        found = list(islice(reversed(self.entries), count))
        found.reverse()
        return found

    def after(self, seq: int) -> "list[Entry] | None":
        """The entries after number `seq`, read; None where the first of them is not there any more.

        At most about `MAX_WRITE` bytes of them, at least one.
        """
        first = self.entries[0].seq if self.entries else self.seq + 1
        if seq + 1 < first:
            return None
        found, size = [], 0
        for entry in self._entries_from(seq + 1 - first):
            found.append(entry)
            size += entry.size
            if size > MAX_WRITE:
                break
        self._read_again(found)
        return found

    def seen_until(self, position: Positions) -> int:
        """The number of the last entry before the first that lies beyond `position`."""
        for entry in self.entries:
            if not seen(entry, position):
                return entry.seq - 1
        return self.seq

    def _entries_from(self, index: int) -> Iterable[Entry]:
        if 2 * index > len(self.entries):
            return self.newest(len(self.entries) - index)
        return islice(self.entries, index, None)

    def _read_again(self, entries: list[Entry]) -> None:
        """Reads what came while nobody listened."""
        unread = next((entry for entry in entries if not entry.cursor), None)
        if unread is None:
            return
        encoder = CursorEncoder(self.positions_at(unread.seq - 1), unread.at)
        for entry in entries:
            if entry.seq >= unread.seq:
                encoder.move(entry.place, entry.position, entry.at)
                if not entry.cursor:
                    self._read(entry, encoder)

    def _read(self, entry: Entry, encoder: CursorEncoder) -> None:
        value = entry.value
        if isinstance(value, PushEvent):
            entry.event = value
        else:
            entry.event = read_record(value, entry.place.topic, entry.at)
        entry.value = None
        entry.cursor = encoder.text()


def seen(entry: Entry, position: Positions) -> bool:
    """Whether a stream that has seen everything before `position` has this entry."""
    known = position.get(entry.place)
    return known is not None and (
        known.epoch != entry.position.epoch or known.next >= entry.position.next
    )


def parts(entries: Iterable[_Sized]) -> Iterator[list[_Sized]]:
    """Cut so that each has at most about `MAX_WRITE` bytes, or one entry."""
    part: list[_Sized] = []
    size = 0
    for entry in entries:
        if part and size + entry.size > MAX_WRITE:
            yield part
            part, size = [], 0
        part.append(entry)
        size += entry.size
    if part:
        yield part
