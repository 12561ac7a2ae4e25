"""The channels of a process by shop, and what bounds their memory."""

from collections import OrderedDict, deque
from collections.abc import Callable, Iterator

from api.push.channel import MAX_ENTRIES, Channel, Entry
from api.push.read_positions import Positions
from api.push.status_words import StatusWords
from shopstream.contracts.cursor import Partition, Position

IDLE_CHANNELS = 20_000
"""Channels without subscribers that are kept."""
ENTRY_BYTES = 64 * 1024 * 1024
"""Bytes of the entries of all channels; beyond it the oldest are evicted."""


class Channels:
    """`live` has subscribers; all others are idle.

    Beyond `IDLE_CHANNELS` the idle channel whose latest record is oldest is dropped: a new channel begins where the
    furthest dropped one was, and earlier events are replayed from what is stored. `flush` writes the entries of a
    channel to its live subscribers; it is called before an entry is evicted that was not written yet. `words` are those
    of the shops for statuses.
    """

    def __init__(self, flush: Callable[[Channel], None], words: StatusWords) -> None:
        self.live: dict[str, Channel] = {}
        self._flush = flush
        self._words = words
        self._idle: OrderedDict[str, Channel] = OrderedDict()
        self._base: Positions = {}
        self._order: deque[tuple[Channel, int]] = deque()
        self._bytes = 0
        self._count = 0

    def all(self) -> Iterator[Channel]:
        """Those with subscribers first."""
        yield from self.live.values()
        yield from self._idle.values()

    def begin(self, base: Positions) -> None:
        """Sets the partitions that exist, and the position from which each is read. One of the same topic was read on:
        it stays where it began."""
        same = {
            partition: began
            for partition, began in self._base.items()
            if partition in base and base[partition].epoch == began.epoch
        }
        self._base = {**base, **same}
        for channel in self.all():
            channel.begin(self._base)

    def skip(self, partition: Partition, position: Position) -> None:
        for channel in self.all():
            channel.skip(partition, position)
        self._base = {**self._base, partition: position}

    def latest_idle(self, shop: str, at: int) -> Channel:
        """The idle channel of a shop, new if there is none; it is now the one with the latest record."""
        channel = self._idle.pop(shop, None) or Channel(shop, self._base, at, self._words)
        self._retain(channel)
        return channel

    def join(self, shop: str, at: int) -> Channel:
        """The channel of a shop that has subscribers from now on."""
        channel = self.live.get(shop)
        if channel is None:
            channel = self._idle.pop(shop, None) or Channel(shop, self._base, at, self._words)
            self.live[shop] = channel
        return channel

    def leave(self, channel: Channel) -> None:
        del self.live[channel.shop]
        self._retain(channel)

    def appended(self, channel: Channel, entry: Entry) -> None:
        """Counts a new entry, and evicts what is beyond the bounds."""
        self._bytes += entry.size
        self._count += 1
        self._order.append((channel, entry.seq))
        if len(channel.entries) > MAX_ENTRIES or self._bytes > ENTRY_BYTES:
            self._enforce_limits(channel)

    def _retain(self, channel: Channel) -> None:
        self._idle[channel.shop] = channel
        if len(self._idle) <= IDLE_CHANNELS:
            return
        _, gone = self._idle.popitem(last=False)
        while gone.entries:
            self._evict(gone)
        base = dict(self._base)
        for partition, position in gone.latest.items():
            base[partition] = max(base.get(partition, position), position, key=lambda one: one.next)
        self._base = base

    def _enforce_limits(self, full: Channel) -> None:
        if len(full.entries) > MAX_ENTRIES:
            self._evict(full)
        while self._bytes > ENTRY_BYTES:
            channel, seq = self._order.popleft()
            if channel.entries and channel.entries[0].seq == seq:
                self._evict(channel)
        if len(self._order) > 2 * self._count + MAX_ENTRIES:
            self._order = deque(
                (channel, seq)
                for channel, seq in self._order
                if channel.entries and channel.entries[0].seq <= seq
            )

    def _evict(self, channel: Channel) -> None:
        if channel.entries[0].seq > channel.sent:
            self._flush(channel)
        self._bytes -= channel.evict().size
        self._count -= 1
