"""The stream of one shop: its latest events in order, its positions, and its subscribers."""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Protocol, TypeVar

from api.push.cursor_encoder import CursorEncoder
from api.push.encoding import Encoding
from api.push.read_positions import Positions
from api.push.records import (
    PushEvent,
    Worded,
    by_known_words,
    log_unforeseen,
    one_line,
    read_record,
)
from api.push.status_words import StatusWords
from api.push.subscriber import Subscriber
from shopstream.contracts.cursor import Partition, Position
from shopstream.contracts.topics import SETTINGS

Group = dict[Subscriber, None]
MAX_ENTRIES = 4096
"""Entries that a channel keeps, for subscribers that lag or come back."""
ENTRY_SIZE = 400
"""Bytes that an entry takes beside its value, about."""
MAX_WRITE = 64 * 1024
"""Bytes of events that are written to a subscriber at once, or one event."""


Value = bytes | PushEvent | Worded | None
"""Value of a record: its bytes, or its event if it was checked before; None also where it was refused."""


class Sized(Protocol):
    @property
    def size(self) -> int:
        """Bytes in memory, about."""


_Sized = TypeVar("_Sized", bound=Sized)


@dataclass(eq=False, slots=True)
class Entry:
    """A record of the shop. `value` is parsed once a subscriber is to get it; `event` None: it was refused.

    `before` is the position of the shop's stream in the partition until then, `position` is right after the record,
    `at` Unix seconds of its arrival, `size` its bytes in memory, about. `lost`: reading it failed, which no rule of the
    contract foresees. `undecided`: whether its shop has the word of its status is not known yet; `value` has its event.
    """

    seq: int
    partition: Partition
    before: Position
    position: Position
    at: int
    value: Value
    size: int
    event: PushEvent | None = None
    cursor: str = ""
    lost: bool = False
    undecided: bool = False

    def is_of(self, value: Value) -> bool:
        """Whether it has the same bytes as this record; False if it was refused."""
        known, other = _text(self.value if self.event is None else self.event), _text(value)
        return known is not None and other is not None and one_line(known) == one_line(other)


class Channel:
    """`base` has the position from which each partition is read, `latest` that after the shop's latest record since.

    Entries are numbered from 1 without gaps; `sent` is the last one that was written to the live subscribers. An idle
    channel keeps its entries as bytes: a record is parsed once a subscriber is to get it.

    The cursor texts up to entry `recreated` are of a topic that was recreated since: a client that resumes from one
    gets `stream:reset`.

    Up to entry `uncertain` the words of the shop for statuses are not those that the pipeline decides by: its settings
    came since, or right before. An order with a word is among the `undecided` there.
    """

    __slots__ = (
        "at",
        "base",
        "encoder",
        "entries",
        "evicted",
        "groups",
        "latest",
        "recreated",
        "sent",
        "seq",
        "shop",
        "subscribers",
        "uncertain",
        "undecided",
        "words",
    )

    def __init__(self, shop: str, base: Positions, at: int, words: StatusWords) -> None:
        self.shop = shop
        self.words = words
        self.base = base
        self.at = at
        self.latest: dict[Partition, Position] = {}
        self.evicted: dict[Partition, Position] = {}
        self.entries: deque[Entry] = deque()
        self.seq = 0
        self.sent = 0
        self.recreated = 0
        self.uncertain = 0
        self.undecided: deque[Entry] = deque()
        self.groups: dict[tuple[Encoding, frozenset[str]], Group] = {}
        """Live subscribers by encoding and event types; those that lag are in no group."""
        self.subscribers: set[Subscriber] = set()
        self.encoder: CursorEncoder | None = None
        """None while there is no subscriber."""

    def append(self, partition: Partition, position: Position, at: int, value: Value) -> Entry:
        """Adds a record as the newest entry; parses it if there are subscribers."""
        before = (
            self.latest.get(partition) or self.base.get(partition) or Position(position.epoch, 0)
        )
        self.seq += 1
        self.at = max(self.at, at)
        size = ENTRY_SIZE + len(_text(value) or b"")
        entry = Entry(self.seq, partition, before, position, at, value, size)
        self.latest[partition] = position
        self.entries.append(entry)
        if partition.topic == SETTINGS or (
            self.uncertain == self.seq - 1 and not self.words.include(self.latest)
        ):
            self.uncertain = self.seq
        if self.encoder is not None:
            self.encoder.advance(partition, position, at)
            self._parse(entry, self.encoder)
        return entry

    def evict(self) -> Entry:
        """Removes the oldest entry, and returns it."""
        entry = self.entries.popleft()
        if entry.undecided:  # the first of them, as a rule
            self.undecided.remove(entry)
        now = self.base.get(entry.partition)
        if now is not None and now.epoch == entry.position.epoch:
            self.evicted[entry.partition] = entry.position
        return entry

    def start_encoding(self) -> CursorEncoder:
        """Keeps the cursor text up to date from now on."""
        if self.encoder is None:
            self.encoder = CursorEncoder(self.positions(), self.at)
        return self.encoder

    def cursor(self) -> str:
        return self.start_encoding().text()

    def positions(self) -> dict[Partition, Position]:
        """The position of the shop's stream in every partition."""
        return {**self.base, **self.latest}

    def floor(self) -> dict[Partition, Position]:
        """The positions from which on every record of the shop is among the entries."""
        return {**self.base, **self.evicted}

    def reaches(self, position: Positions) -> bool:
        """Whether its entries reach back to `position`, which has all of its partitions."""
        return all(position[one].next >= lowest.next for one, lowest in self.floor().items())

    def join_group(self, subscriber: Subscriber) -> None:
        """Delivers live to a subscriber."""
        self.groups.setdefault(group_key(subscriber), {})[subscriber] = None

    def leave_group(self, subscriber: Subscriber) -> bool:
        """Stops live delivery; returns whether there was any."""
        group = self.groups.get(group_key(subscriber), {})
        if subscriber not in group:
            return False
        del group[subscriber]
        if not group:
            del self.groups[group_key(subscriber)]
        return True

    def correct_epoch(self, entry: Entry, position: Position) -> None:
        """Gives an entry the epoch of a topic that was recreated before the entry was read. Its cursor text keeps the
        old epoch: a client that resumes from it gets `stream:reset`, so a gap is never silent."""
        entry.position = position
        self.latest[entry.partition] = position
        if self.encoder is not None:
            self.encoder.advance(entry.partition, position, entry.at)

    def skip(self, partition: Partition, position: Position) -> None:
        """Moves the stream to `position`: whoever is replayed to from the entries is there in this partition, so no
        cursor of one may lead back."""
        self.latest[partition] = self.evicted[partition] = position
        for entry in self.entries:
            if entry.seq > self.recreated:
                entry.cursor = ""
            if entry.partition == partition:
                entry.before = entry.position = position
        if self.encoder is not None:
            self.encoder.advance(partition, position, self.at)

    def begin(self, base: Positions) -> None:
        """Sets the present partitions; positions in a topic that was recreated are dropped. The entries reach back as
        far as before in the others, which are read on from where they were."""

        def stands(partition: Partition, position: Position) -> bool:
            return partition in base and base[partition].epoch == position.epoch

        for partition, position in self.base.items():
            if not stands(partition, position):
                self.recreated = self.seq
            elif position != base[partition]:
                self.evicted.setdefault(partition, position)
        self.base = base
        self.latest = {p: position for p, position in self.latest.items() if stands(p, position)}
        self.evicted = {p: position for p, position in self.evicted.items() if stands(p, position)}
        if self.encoder is not None:
            self.encoder = CursorEncoder(self.positions(), self.at)

    def positions_at(self, seq: int) -> dict[Partition, Position]:
        """The positions of the stream after entry `seq`: the present ones without the entries since."""
        positions = self.positions()
        for later in reversed(self.entries):
            if later.seq <= seq:
                break
            if later.partition in positions:
                positions[later.partition] = later.before
        return positions

    def newest(self, count: int) -> list[Entry]:
        """The last `count` entries, oldest first."""
        # from the end: a deque finds its n-th entry by passing n others
        found = list(islice(reversed(self.entries), count))
        found.reverse()
        return found

    def after(self, seq: int) -> "list[Entry] | None":
        """The entries after number `seq`, parsed; None where the first of them was evicted.

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
        self._parse_unread(found)
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

    def _parse_unread(self, entries: list[Entry]) -> None:
        """Parses what arrived while there was no subscriber, and encodes the cursors that are missing."""
        unread = next((entry for entry in entries if not entry.cursor), None)
        if unread is None:
            return
        encoder = CursorEncoder(self.positions_at(unread.seq - 1), unread.at)
        for entry in entries:
            if entry.seq >= unread.seq:
                encoder.advance(entry.partition, entry.position, entry.at)
                if not entry.cursor:
                    self._parse(entry, encoder)

    def _parse(self, entry: Entry, encoder: CursorEncoder) -> None:
        if not entry.undecided and entry.value is not None:
            self._read(entry)
        entry.cursor = encoder.text()

    def _read(self, entry: Entry) -> None:
        found, entry.value = entry.value, None
        if isinstance(found, bytes):
            try:
                found = read_record(found, entry.partition.topic, entry.at, self.words.maps)
            except Exception as error:
                found, entry.lost = None, True
                log_unforeseen(entry.partition, entry.position.next - 1, error)
        if isinstance(found, Worded) and entry.seq <= self.uncertain:
            entry.undecided, entry.value = True, found.event
            self.undecided.append(entry)
            self.words.refresh()
        else:
            entry.event = by_known_words(found)


def _text(value: Value) -> bytes | None:
    event = value.event if isinstance(value, Worded) else value
    return event.value if isinstance(event, PushEvent) else event


def channel_of(subscriber: Subscriber) -> Channel:
    assert subscriber.channel is not None, "a subscriber that has not joined"
    return subscriber.channel


def group_key(subscriber: Subscriber) -> tuple[Encoding, frozenset[str]]:
    """Its key in `Channel.groups`."""
    return subscriber.encoding, frozenset(subscriber.filter.types)


def seen(entry: Entry, position: Positions) -> bool:
    """Whether a stream at `position` has this entry."""
    known = position.get(entry.partition)
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
