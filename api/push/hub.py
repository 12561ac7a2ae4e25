"""Channels by shop: one process reads every topic once, each event is encoded once for each protocol, and the same
bytes go to every subscriber.

There is no queue, task or copy for a subscriber. Events of one turn of the event loop are written to a live subscriber
at once. One whose client does not read, or that comes with a cursor, is *behind*: a number, from which it is brought
on out of the channel's entries, or out of what is stored where they do not reach back. Everything here happens on the
event loop without waiting, so what is replayed and what is live join without a gap.
"""

import asyncio
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

from api.push.channel import MAX_ENTRIES, Channel, Entry, Positions, Value, parts, seen
from api.push.encoding import Encoding
from api.push.records import PushEvent
from api.push.subscriber import Outlet, Subscriber
from shopstream.contracts.cursor import BadCursor, Partition, Position, encode, read

QUIET_CHANNELS = 20_000
"""Shops without subscribers whose place is kept."""
ENTRY_BYTES = 64 * 1024 * 1024
"""Of the entries of all channels; beyond it the oldest are forgotten."""
KEPT_SECONDS = 30 * 24 * 3600
"""How long accepted events are stored (the TTL of the table `events`)."""
SUSPECT_SECONDS = 10
"""More than the time in which a topic that was made again is seen."""
MARGIN_SECONDS = 24 * 3600
"""Parts of that table go by whole days."""
GOODBYE_SECONDS = 30.0
"""How long a client may take to read the last words of its stream."""
MADE_AGAIN = "a topic was made again since the cursor"


class CatchUp(Protocol):
    """Brings a subscriber on from `subscriber.position` until the channel's entries reach it."""

    def start(self, subscriber: Subscriber, *, fresh: bool) -> None:
        """`fresh`: it has not been told yet that its stream is ready."""


class Audience(Protocol):
    """Is told who listens."""

    def joined(self, subscriber: Subscriber) -> None: ...

    def left(self, subscriber: Subscriber) -> None: ...


@dataclass(slots=True)
class Counts:
    """What `/metrics` tells."""

    events: int = 0
    deliveries: int = 0
    paused: int = 0
    resets: int = 0
    aborted: int = 0


class Hub:
    """`clock` is Unix time. `catch_up` and `audience` are set before the first subscriber joins.

    Beyond `QUIET_CHANNELS` the channel without subscribers that moved least recently is forgotten: a shop without a
    channel is taken to have moved as far as any forgotten one, and what is stored tells the rest.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self.catch_up: CatchUp | None = None
        self.audience: Audience | None = None
        self.counts = Counts()
        self.read: dict[Partition, Position] = {}
        """How far each partition has been read, whatever shop it was."""
        self._clock = clock
        self._channels: dict[str, Channel] = {}
        self._quiet: OrderedDict[str, Channel] = OrderedDict()
        self._base: Positions = {}
        self._order: deque[tuple[Channel, int]] = deque()
        self._bytes = 0
        self._count = 0
        self._dirty: list[Channel] = []
        self._suspects: dict[tuple[Partition, int], Entry] = {}
        """Records that may have been read of a topic that had been made again, before that was seen."""
        self._ready = asyncio.Event()
        self._moved = asyncio.Event()
        self._closed = False

    def begin(self, positions: Positions) -> None:
        """These are all partitions there are, and where the reading of each goes on."""
        self.flush()
        self._suspects = self._read_too_early(positions)
        self._base = dict(positions)
        self.read = dict(positions)
        for channel in (*self._channels.values(), *self._quiet.values()):
            channel.begin(self._base)
            for subscriber in list(channel.members):
                if subscriber.seq is not None and not self._fits(subscriber):
                    self.reset(subscriber, MADE_AGAIN, fresh=False)

    def ready(self) -> None:
        """The live end has been reached: streams can begin."""
        self._ready.set()

    async def wait_ready(self, timeout: float) -> bool:
        """Whether streams can begin, waiting up to `timeout` seconds for it."""
        try:
            async with asyncio.timeout(timeout):
                await self._ready.wait()
        except TimeoutError:
            return False
        return True

    async def wait_read(self, position: Positions, timeout: float) -> bool:
        """Whether this process has read all before `position`, waiting up to `timeout` seconds for it."""
        try:
            async with asyncio.timeout(timeout):
                while not self.has_read(position):
                    self._moved.clear()
                    await self._moved.wait()
        except TimeoutError:
            return False
        return True

    def passed(self, place: Partition, position: Position) -> None:
        """Everything before `position` has been read."""
        self.read[place] = position
        if not self._moved.is_set():
            self._moved.set()

    def skip(self, place: Partition, position: Position) -> None:
        """What lay before `position` could not be read: whoever listens is told."""
        self.flush()
        for channel in (*self._channels.values(), *self._quiet.values()):
            channel.skip(place, position)
        self._base = {**self._base, place: position}
        self.passed(place, position)
        for subscriber in self.subscribers():
            if subscriber.catching_up is None:
                self._take_out(subscriber)
                self.reset(subscriber, "Kafka does not have some events any more", fresh=False)

    def publish(
        self, shop: str, place: Partition, position: Position, at: int, value: Value
    ) -> None:
        """A record of a shop; `position` is right after it, `at` Unix seconds of its arrival."""
        channel = self._channels.get(shop)
        if channel is None:
            channel = self._quiet.pop(shop, None) or Channel(shop, self._base, at)
            self._keep(channel)
        if self._suspects and self._had(channel, place, position, at, value):
            return
        entry = channel.append(place, position, at, value)
        self._bytes += entry.size
        self._count += 1
        self._order.append((channel, entry.seq))
        if channel.members:
            self.counts.events += entry.event is not None
            if channel.seq == channel.sent + 1:
                if not self._dirty:
                    asyncio.get_running_loop().call_soon(self.flush)
                self._dirty.append(channel)
        else:
            channel.sent = channel.seq
        if len(channel.entries) > MAX_ENTRIES or self._bytes > ENTRY_BYTES:
            self._forget(channel)

    def flush(self) -> None:
        """Writes what has come since the last turn, one write for each subscriber."""
        dirty, self._dirty = self._dirty, []
        for channel in dirty:
            self._flush(channel)

    def join(self, shop: str, subscriber: Subscriber, since: str | None) -> None:
        """Adds a subscriber. Its first frame says whether it misses anything since the cursor `since`; it comes later
        where that has to be found out."""
        channel = self._channels.get(shop)
        if channel is None:
            channel = self._quiet.pop(shop, None) or Channel(shop, self._base, int(self._clock()))
            self._channels[shop] = channel
        self._flush(channel)
        channel.members.add(subscriber)
        subscriber.channel = channel
        channel.listen()
        if self.audience:
            self.audience.joined(subscriber)
        if self._closed:
            self.end(subscriber, "shutdown")
        elif since is None:
            self.be_ready(subscriber)
            self.go_live(subscriber)
        else:
            self._resume(subscriber, since)

    def leave(self, subscriber: Subscriber) -> None:
        """Takes a subscriber out; of a channel that nobody listens to only the entries are kept."""
        channel = subscriber.channel
        if channel is None or subscriber not in channel.members:
            return
        subscriber.ended = True
        if subscriber.catching_up is not None:
            subscriber.catching_up.cancel()
        self._take_out(subscriber)
        channel.members.discard(subscriber)
        if self.audience:
            self.audience.left(subscriber)
        if not channel.members:
            channel.encoder = None
            channel.sent = channel.seq
            self._channels.pop(channel.shop, None)
            self._keep(channel)

    def choose(self, subscriber: Subscriber, types: frozenset[str]) -> None:
        """Other types from now on."""
        channel = _channel(subscriber)
        self._flush(channel)
        live = self._take_out(subscriber)
        subscriber.filter = replace(subscriber.filter, types=types)
        if live:
            self._put_in(subscriber)

    def listens(self, shop: str) -> bool:
        """Whether anybody listens to a shop here."""
        return shop in self._channels

    def announce(self, event: PushEvent) -> None:
        """An event that has no place in the stream, for the admins who listen now and read."""
        channel = self._channels.get(event.shop)
        if channel is None:
            return
        self._flush(channel)
        for (encoding, types), group in list(channel.groups.items()):
            admins = [one for one in group if one.filter.admin] if event.type in types else []
            frame = encoding.events([(event, "")]) if admins else b""
            for subscriber in admins:
                subscriber.outlet.write(frame)

    def move(
        self, subscriber: Subscriber, encoding: Encoding, outlet: Outlet, waiting: bytes
    ) -> None:
        """Its client has another connection now, over which `waiting` goes first."""
        live = self._take_out(subscriber)
        subscriber.encoding, subscriber.outlet, subscriber.paused = encoding, outlet, None
        if live:
            self._put_in(subscriber)
        outlet.write(waiting)
        if subscriber.paused is None:
            self.resume(subscriber)

    def end(self, subscriber: Subscriber, reason: str) -> None:
        """Says goodbye with the cursor to come back with, and closes."""
        if subscriber.ended:
            return
        self._flush(_channel(subscriber))  # its cursor says that everything before it was sent
        cursor = self.standing(subscriber)
        frame = subscriber.encoding.control("stream:bye", reason=reason, cursor=cursor)
        subscriber.reason = reason
        subscriber.outlet.write(frame + subscriber.farewell(reason))
        subscriber.outlet.close()
        asyncio.get_running_loop().call_later(GOODBYE_SECONDS, subscriber.outlet.abort)
        self.leave(subscriber)

    def close(self) -> None:
        """Says goodbye to every stream."""
        self._closed = True
        for subscriber in self.subscribers():
            self.end(subscriber, "shutdown")

    def subscribers(self) -> list[Subscriber]:
        """All that are open."""
        return [one for channel in self._channels.values() for one in channel.members]

    def __len__(self) -> int:
        return sum(len(channel.members) for channel in self._channels.values())

    def pause(self, subscriber: Subscriber) -> None:
        """Its client does not read."""
        if subscriber.paused is not None or subscriber.ended:
            return
        subscriber.paused = asyncio.get_running_loop().time()
        self.counts.paused += 1
        channel = subscriber.channel
        subscriber.reads.clear()
        if channel is not None and self._take_out(subscriber):
            self._behind(subscriber)

    def resume(self, subscriber: Subscriber) -> None:
        """Its client reads again."""
        subscriber.paused = None
        subscriber.reads.set()
        if subscriber.seq is not None and not subscriber.ended:
            self.bring_on(subscriber)

    def bring_on(self, subscriber: Subscriber) -> None:
        """Writes what a subscriber that is behind does not have, until it is live or its client does not read."""
        channel = _channel(subscriber)
        self._flush(channel)
        while subscriber.paused is None and subscriber.seq is not None and not subscriber.ended:
            if subscriber.seq == channel.seq:
                self.go_live(subscriber)
                return
            entries = channel.after(subscriber.seq)
            if entries is None:
                self._fall_back(subscriber)
                return
            unseen = [entry for entry in entries if not seen(entry, subscriber.position)]
            subscriber.seq = entries[-1].seq
            for entry in unseen:
                subscriber.position[entry.place] = entry.position
                subscriber.at = max(subscriber.at, entry.at)
            self._deliver(unseen, [subscriber])

    def go_live(self, subscriber: Subscriber) -> None:
        """From now on it gets what comes."""
        if subscriber.paused is not None:
            self._behind(subscriber)
            return
        subscriber.seq, subscriber.position = None, {}
        self._put_in(subscriber)

    def catch(self, subscriber: Subscriber, *, fresh: bool) -> bool:
        """Whether the channel's entries reach back to what the subscriber has; then it is brought on."""
        channel = _channel(subscriber)
        self._flush(channel)
        if not self._fits(subscriber):
            self.reset(subscriber, MADE_AGAIN, fresh=fresh)
            return True
        if not _covers(subscriber.position, channel.floor()):
            return False
        subscriber.seq = channel.seen_until(subscriber.position)
        if fresh:
            self.be_ready(subscriber)
        self.bring_on(subscriber)
        return True

    def reset(self, subscriber: Subscriber, reason: str, *, fresh: bool) -> None:
        """Something was missed that cannot be had: the client is told, and goes on from now."""
        channel = _channel(subscriber)
        self._flush(channel)
        self.counts.resets += 1
        subscriber.seq, subscriber.position = None, {}
        control, cursor = subscriber.encoding.control, self.standing(subscriber)
        ready = control("stream:ready", complete=False, cursor=cursor) if fresh else b""
        # in one write: nobody is to have the new cursor without the reason
        subscriber.outlet.write(ready + control("stream:reset", reason=reason, cursor=cursor))
        self.go_live(subscriber)

    def be_ready(self, subscriber: Subscriber) -> None:
        """The first frame of a stream that begins where its client was."""
        cursor = self.standing(subscriber)
        subscriber.outlet.write(
            subscriber.encoding.control("stream:ready", complete=True, cursor=cursor)
        )

    def standing(self, subscriber: Subscriber) -> str:
        """The cursor of what a subscriber has."""
        if subscriber.position:
            return encode(subscriber.position, subscriber.at)
        return _channel(subscriber).cursor()

    def _resume(self, subscriber: Subscriber, since: str) -> None:
        try:
            given, at = read(since)
        except BadCursor:
            self.reset(subscriber, "the cursor is not one of this API", fresh=True)
            return
        subscriber.position, subscriber.at = given, at
        if not self._fits(subscriber):
            self.reset(subscriber, MADE_AGAIN, fresh=True)
            return
        old = at < self._clock() - (KEPT_SECONDS - MARGIN_SECONDS)
        if self.has_read(subscriber.position) and self.catch(subscriber, fresh=True):
            return
        if old:
            self.reset(subscriber, "the events since the cursor are not kept any more", fresh=True)
        elif self.catch_up is None:
            self.reset(subscriber, "the events since the cursor are not kept", fresh=True)
        else:
            self.catch_up.start(subscriber, fresh=True)

    def _fits(self, subscriber: Subscriber) -> bool:
        """Whether what it has seen is of the topics as they are now. Of a partition that was added it has seen
        nothing."""
        seen, base = subscriber.position, _channel(subscriber).base
        if any(p not in base or base[p].epoch != known.epoch for p, known in seen.items()):
            return False
        subscriber.position = {
            place: seen.get(place) or Position(now.epoch, 0) for place, now in base.items()
        }
        return True

    def _behind(self, subscriber: Subscriber) -> None:
        channel = _channel(subscriber)
        subscriber.seq = channel.sent
        subscriber.position, subscriber.at = channel.positions_at(channel.sent), channel.at

    def _fall_back(self, subscriber: Subscriber) -> None:
        """It was slower than the channel forgets: what it misses is stored."""
        subscriber.seq = None
        if self.catch_up is None:
            self.reset(subscriber, "too slow", fresh=False)
        else:
            self.catch_up.start(subscriber, fresh=False)

    def _flush(self, channel: Channel) -> None:
        if channel.sent == channel.seq:
            return
        entries = channel.newest(channel.seq - channel.sent)
        for part in parts(entries):
            channel.sent = part[-1].seq
            events = [entry for entry in part if entry.event is not None]
            for group in list(channel.groups.values()):
                self._deliver(events, list(group))

    def _deliver(self, entries: list[Entry], subscribers: list[Subscriber]) -> None:
        """To subscribers of one group: those who see the same get the same bytes."""
        events = [(e.event, e.cursor) for e in entries if e.event is not None]
        if not events or not subscribers:
            return
        first = subscribers[0]
        encoding, types = first.encoding, first.filter.types
        events = [(event, cursor) for event, cursor in events if event.type in types]
        if not events:
            return
        users = {event.user for event, _ in events if event.user is not None}
        if not users:
            frames = encoding.events(events)
            self.counts.deliveries += len(events) * len(subscribers)
            for subscriber in subscribers:
                subscriber.outlet.write(frames)
            return
        made: dict[str | None, tuple[int, bytes]] = {}
        for subscriber in subscribers:
            user = subscriber.filter.user if subscriber.filter.user in users else None
            known = made.get(user)
            if known is None:
                mine = [e for e in events if e[0].user in (None, user)]
                known = made[user] = (len(mine), encoding.events(mine) if mine else b"")
            if known[0]:
                self.counts.deliveries += known[0]
                subscriber.outlet.write(known[1])

    def _put_in(self, subscriber: Subscriber) -> None:
        groups = _channel(subscriber).groups
        key = (subscriber.encoding, frozenset(subscriber.filter.types))
        groups.setdefault(key, {})[subscriber] = None

    def _take_out(self, subscriber: Subscriber) -> bool:
        """Whether it was live."""
        groups = _channel(subscriber).groups
        key = (subscriber.encoding, frozenset(subscriber.filter.types))
        group = groups.get(key)
        if group is None or subscriber not in group:
            return False
        del group[subscriber]
        if not group:
            del groups[key]
        return True

    def has_read(self, position: Positions) -> bool:
        """Whether this process has read all before `position`."""
        return all(
            (known := self.read.get(place)) is not None
            and (known.epoch != wanted.epoch or known.next >= wanted.next)
            for place, wanted in position.items()
        )

    def _read_too_early(self, positions: Positions) -> dict[tuple[Partition, int], Entry]:
        """By place and next offset: the latest entries of topics that are others now.

        Kafka names a topic in a fetch, not its incarnation, so what came in the last second may be of the new one.
        """
        again = {
            place
            for place, position in positions.items()
            if (known := self.read.get(place)) is not None and known.epoch != position.epoch
        }
        since = self._clock() - SUSPECT_SECONDS
        channels = (*self._channels.values(), *self._quiet.values()) if again else ()
        return {
            (entry.place, entry.position.next): entry
            for channel in channels
            for entry in channel.entries
            if entry.place in again and entry.at > since
        }

    def _had(
        self, channel: Channel, place: Partition, position: Position, at: int, value: Value
    ) -> bool:
        """Whether this record is one of those; then it is not sent again."""
        entry = self._suspects.pop((place, position.next), None)
        if entry is None or entry.at != at or not entry.is_of(value):
            return False
        channel.move(entry, position)
        return True

    def _keep(self, channel: Channel) -> None:
        self._quiet[channel.shop] = channel
        if len(self._quiet) <= QUIET_CHANNELS:
            return
        _, gone = self._quiet.popitem(last=False)
        while gone.entries:
            self._evict(gone)
        base = dict(self._base)
        for place, position in gone.moved.items():
            base[place] = max(base.get(place, position), position, key=lambda one: one.next)
        self._base = base

    def _forget(self, full: Channel) -> None:
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


def _channel(subscriber: Subscriber) -> Channel:
    assert subscriber.channel is not None, "a subscriber that has not joined"
    return subscriber.channel


def _covers(position: Positions, floor: Positions) -> bool:
    return all(position[place].next >= lowest.next for place, lowest in floor.items())
