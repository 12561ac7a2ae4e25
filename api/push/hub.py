"""Channels by shop: one process reads every topic once, each event is encoded once for each protocol, and the same
bytes go to every subscriber.

There is no queue, task or copy for a subscriber. Events of one turn of the event loop are written to a live subscriber
at once. One whose client does not read, or that comes with a cursor, *lags*: the number of an entry, from which it is
replayed from the channel, or from the stored events where the channel does not reach back. Everything here happens on
the event loop without waiting, so what is replayed and what is live join without a gap.
"""

import asyncio
from collections import OrderedDict, deque
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import takewhile
from typing import Protocol

from api.push.channel import Channel, Entry, Positions, Value, group_key, parts, seen
from api.push.channels import Channels
from api.push.delivery import deliver
from api.push.encoding import Encoding
from api.push.records import PushEvent, Worded
from api.push.status_words import StatusWords
from api.push.stored_events import is_kept
from api.push.subscriber import Outlet, Subscriber
from api.push.suspects import Suspects
from shopstream.contracts.cursor import BadCursor, Partition, Position, encode, read

GOODBYE_SECONDS = 30.0
"""How long a client may take to read the goodbye of its stream."""
TOPIC_RECREATED = "a topic was recreated since the cursor"
UNREADABLE = "an event could not be read"
SLICE = 64
"""Entries read and subscribers written to, in one turn of the event loop, of what is replayed from channels; and the
part of a channel that exceeds it. A check takes some 65 us, a write 20 us: at most about 5 ms."""


class CatchUp(Protocol):
    """Replays stored events to a subscriber from `subscriber.position` until the channel's entries reach back to it."""

    def start(self, subscriber: Subscriber, *, fresh: bool) -> None:
        """`fresh`: `stream:ready` has not been sent to it yet."""


class Decisions(Protocol):
    """Asks whether the pipeline accepted the undecided entries of a channel; `Hub.decide` gets each."""

    def start(self, channel: Channel) -> None: ...


class SubscriberObserver(Protocol):
    """Is called when a subscriber joins, and when it leaves."""

    def joined(self, subscriber: Subscriber) -> None: ...

    def left(self, subscriber: Subscriber) -> None: ...


@dataclass(slots=True)
class Counts:
    """Counters since the start, for `/metrics`."""

    events: int = 0
    deliveries: int = 0
    paused: int = 0
    resets: int = 0
    aborted: int = 0
    skipped: int = 0


class Hub:
    """`clock` is Unix time. `catch_up`, `decisions` and `observer` are set before the first subscriber joins."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.catch_up: CatchUp | None = None
        self.decisions: Decisions | None = None
        self.observer: SubscriberObserver | None = None
        self.counts = Counts()
        self.words = StatusWords()
        self.read: dict[Partition, Position] = {}
        """How far each partition has been read, whatever shop it was."""
        self._clock = clock
        self._channels = Channels(self._flush, self.words)
        self._dirty: list[Channel] = []
        self._suspects = Suspects()
        self._replays: OrderedDict[Subscriber, None] = OrderedDict()
        """Lagging subscribers that are replayed to in the next turns of the event loop."""
        self._replay_scheduled = False
        self._ready = asyncio.Event()
        self._progressed = asyncio.Event()
        self._closed = False

    def begin(self, positions: Positions) -> None:
        """Sets the partitions that exist, and the position from which each is read."""
        self.flush()
        self._suspects.find(self._channels.all(), self.read, positions, self._clock())
        self.read = dict(positions)
        self._channels.begin(dict(positions))
        for subscriber in self.subscribers():
            if subscriber.seq is not None and not self._align_to_topics(subscriber):
                self.reset(subscriber, TOPIC_RECREATED, fresh=False)

    def ready(self) -> None:
        """Lets streams begin: the live end has been reached."""
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
                    self._progressed.clear()
                    await self._progressed.wait()
        except TimeoutError:
            return False
        return True

    def passed(self, partition: Partition, position: Position) -> None:
        """Everything before `position` has been read."""
        self.read[partition] = position
        if not self._progressed.is_set():
            self._progressed.set()

    def skip(self, partition: Partition, position: Position, reason: str) -> None:
        """What lay before `position` could not be read: every live subscriber gets `stream:reset`."""
        self.flush()
        self._channels.skip(partition, position)
        self.passed(partition, position)
        for subscriber in self.subscribers():
            if subscriber.catching_up is None or subscriber.catching_up.done():
                _channel(subscriber).leave_group(subscriber)
                self.reset(subscriber, reason, fresh=False)

    def publish(
        self, shop: str, partition: Partition, position: Position, at: int, value: Value
    ) -> None:
        """A record of a shop; `position` is right after it, `at` Unix seconds of its arrival."""
        channel = self._channels.live.get(shop) or self._channels.latest_idle(shop, at)
        if self._suspects.is_known(channel, partition, position, at, value):
            return
        entry = channel.append(partition, position, at, value)
        if channel.subscribers:
            self.counts.events += entry.event is not None
            if channel.seq == channel.sent + 1:
                if not self._dirty:
                    asyncio.get_running_loop().call_soon(self.flush)
                self._dirty.append(channel)
        else:
            channel.sent = channel.seq
        self._channels.appended(channel, entry)

    def flush(self) -> None:
        """Writes what has arrived since the last turn of the event loop, one write for each subscriber."""
        dirty, self._dirty = self._dirty, []
        for channel in dirty:
            self._flush(channel)

    def join(self, shop: str, subscriber: Subscriber, since: str | None) -> None:
        """Adds a subscriber. Its first frame, `stream:ready`, says whether it misses anything since the cursor `since`;
        where that has to be looked up in the stored events, the frame comes later."""
        channel = self._channels.join(shop, int(self._clock()))
        self._flush(channel)
        channel.subscribers.add(subscriber)
        subscriber.channel = channel
        channel.start_encoding()
        if self.observer:
            self.observer.joined(subscriber)
        if self._closed:
            self.end(subscriber, "shutdown")
        elif since is None:
            self.send_ready(subscriber)
            self.go_live(subscriber)
        else:
            self._resume_from_cursor(subscriber, since)

    def leave(self, subscriber: Subscriber) -> None:
        """Removes a subscriber; a channel without subscribers keeps its entries, as bytes."""
        channel = subscriber.channel
        if channel is None or subscriber not in channel.subscribers:
            return
        subscriber.ended = True
        if subscriber.catching_up is not None:
            subscriber.catching_up.cancel()
        channel.leave_group(subscriber)
        channel.subscribers.discard(subscriber)
        if self.observer:
            self.observer.left(subscriber)
        if not channel.subscribers:
            channel.encoder = None
            channel.sent = channel.seq
            self._channels.leave(channel)

    def choose(self, subscriber: Subscriber, types: frozenset[str]) -> None:
        """Delivers these types from now on."""
        channel = _channel(subscriber)
        self._flush(channel)
        live = channel.leave_group(subscriber)
        subscriber.filter = replace(subscriber.filter, types=types)
        if live:
            channel.join_group(subscriber)

    def has_subscribers(self, shop: str) -> bool:
        """Whether this process has a subscriber of the shop."""
        return shop in self._channels.live

    def announce(self, event: PushEvent) -> None:
        """Writes an event without a cursor to the live subscribers that are admins; it is not replayed."""
        channel = self._channels.live.get(event.shop)
        if channel is None:
            return
        self._flush(channel)
        for (encoding, types), group in list(channel.groups.items()):
            admins = [one for one in group if one.filter.admin] if event.type in types else []
            frame = encoding.events([(event, "")]) if admins else b""
            for subscriber in admins:
                subscriber.outlet.write(frame)

    def switch_connection(
        self, subscriber: Subscriber, encoding: Encoding, outlet: Outlet, waiting: bytes
    ) -> None:
        """Continues over another connection of the same client, on which `waiting` is written first."""
        channel = _channel(subscriber)
        live = channel.leave_group(subscriber)
        subscriber.encoding, subscriber.outlet, subscriber.paused = encoding, outlet, None
        if live:
            channel.join_group(subscriber)
        outlet.write(waiting)
        if subscriber.paused is None:
            self.on_writable(subscriber)

    def end(self, subscriber: Subscriber, reason: str) -> None:
        """Writes `stream:bye` with the cursor to resume from, and closes."""
        if subscriber.ended:
            return
        self._flush(_channel(subscriber))  # its cursor says that everything before it was sent
        cursor = self.cursor_of(subscriber)
        frame = subscriber.encoding.control("stream:bye", reason=reason, cursor=cursor)
        subscriber.reason = reason
        subscriber.outlet.write(frame + subscriber.farewell(reason))
        subscriber.outlet.close()
        asyncio.get_running_loop().call_later(GOODBYE_SECONDS, subscriber.outlet.abort)
        self.leave(subscriber)

    def close(self) -> None:
        """Ends every stream with the reason `shutdown`; one that joins later ends at once."""
        self._closed = True
        for subscriber in self.subscribers():
            self.end(subscriber, "shutdown")

    def subscribers(self) -> list[Subscriber]:
        return [one for channel in self._channels.live.values() for one in channel.subscribers]

    def __len__(self) -> int:
        return sum(len(channel.subscribers) for channel in self._channels.live.values())

    def pause(self, subscriber: Subscriber) -> None:
        """Stops writing: its client does not read. `on_writable` ends it."""
        if subscriber.paused is not None or subscriber.ended:
            return
        subscriber.paused = asyncio.get_running_loop().time()
        self.counts.paused += 1
        channel = subscriber.channel
        subscriber.reads.clear()
        if channel is not None and channel.leave_group(subscriber):
            self._mark_lagging(subscriber)

    def on_writable(self, subscriber: Subscriber) -> None:
        """Its client reads again: replays what it missed, or lets its catch-up go on."""
        subscriber.paused = None
        subscriber.reads.set()
        if subscriber.seq is not None and not subscriber.ended:
            self.replay_from_channel(subscriber)

    def replay_from_channel(self, subscriber: Subscriber) -> None:
        """Writes the entries that a lagging subscriber does not have, until it is live or its client does not read;
        what is beyond a slice in the next turns of the event loop."""
        self._replay_slice([subscriber])

    def _replay_soon(self, lagging: Iterable[Subscriber]) -> None:
        self._replays.update(dict.fromkeys(lagging))
        if self._replays and not self._replay_scheduled:
            self._replay_scheduled = True
            asyncio.get_running_loop().call_soon(self._replay_next)

    def _replay_next(self) -> None:
        self._replay_scheduled = False
        count = min(len(self._replays), SLICE)
        self._replay_slice([self._replays.popitem(last=False)[0] for _ in range(count)])

    def _replay_slice(self, lagging: list[Subscriber]) -> None:
        used, groups = 0, deque(_alike(lagging))
        while groups and used < SLICE:
            group = groups.popleft()
            if written := self._replay_part(group):
                used += written + len(group)
                groups += _alike(group)
        self._replay_soon(one for group in groups for one in group)

    def _replay_part(self, group: list[Subscriber]) -> int:
        """Writes the next entries, about `MAX_WRITE` bytes, to lagging subscribers that are alike; who has all then
        goes live. Returns how many entries they were."""
        channel, seq, position = _channel(group[0]), group[0].seq, group[0].position
        assert seq is not None, "it lags"
        self._flush(channel)
        entries = channel.after(seq)
        if entries is None:
            for subscriber in group:
                self._start_catch_up(subscriber)
            return 0
        decided = list(takewhile(lambda entry: not entry.undecided, entries))
        if entries and not decided:
            self._start_decisions(channel)
            return 0
        seq += len(decided)
        unseen = [entry for entry in decided if not seen(entry, position)]
        position = {**position, **{entry.partition: entry.position for entry in unseen}}
        at = max((entry.at for entry in unseen), default=0)
        for subscriber in group:
            subscriber.seq, subscriber.position = seq, position
            subscriber.at = max(subscriber.at, at)
        self.counts.deliveries += deliver(unseen, group)
        lost = any(entry.lost for entry in unseen)
        for subscriber in group:
            if lost:
                self.reset(subscriber, UNREADABLE, fresh=False)
            elif seq == channel.seq and subscriber.paused is None:
                self.go_live(subscriber)
        return len(decided)

    def go_live(self, subscriber: Subscriber) -> None:
        """Delivers what arrives from now on; a paused subscriber lags instead."""
        if subscriber.paused is not None:
            self._mark_lagging(subscriber)
            return
        subscriber.seq, subscriber.position = None, {}
        _channel(subscriber).join_group(subscriber)

    def try_replay_from_channel(self, subscriber: Subscriber, *, fresh: bool) -> bool:
        """Replays from the channel if its entries reach back to what the subscriber has; else returns False and writes
        nothing. A subscriber whose cursor is of a recreated topic is reset."""
        channel = _channel(subscriber)
        self._flush(channel)
        if not self._align_to_topics(subscriber):
            self.reset(subscriber, TOPIC_RECREATED, fresh=fresh)
            return True
        if not channel.reaches(subscriber.position):
            return False
        subscriber.seq = channel.seen_until(subscriber.position)
        if fresh:
            self.send_ready(subscriber)
        self.replay_from_channel(subscriber)
        return True

    def reset(self, subscriber: Subscriber, reason: str, *, fresh: bool) -> None:
        """Writes `stream:reset`, because something was missed that cannot be replayed, and goes live."""
        channel = _channel(subscriber)
        self._flush(channel)
        self.counts.resets += 1
        subscriber.seq, subscriber.position = None, {}
        control, cursor = subscriber.encoding.control, self.cursor_of(subscriber)
        ready = control("stream:ready", complete=False, cursor=cursor) if fresh else b""
        # in one write: nobody is to have the new cursor without the reason
        subscriber.outlet.write(ready + control("stream:reset", reason=reason, cursor=cursor))
        self.go_live(subscriber)

    def send_ready(self, subscriber: Subscriber) -> None:
        """Writes `stream:ready`, the first frame of a stream that misses nothing."""
        cursor = self.cursor_of(subscriber)
        subscriber.outlet.write(
            subscriber.encoding.control("stream:ready", complete=True, cursor=cursor)
        )

    def cursor_of(self, subscriber: Subscriber) -> str:
        """The cursor text of what the subscriber has."""
        if subscriber.position:
            return encode(subscriber.position, subscriber.at)
        return _channel(subscriber).cursor()

    def _resume_from_cursor(self, subscriber: Subscriber, since: str) -> None:
        try:
            given, at = read(since)
        except BadCursor:
            self.reset(subscriber, "the cursor is not one of this API", fresh=True)
            return
        subscriber.position, subscriber.at = given, at
        if not self._align_to_topics(subscriber):
            self.reset(subscriber, TOPIC_RECREATED, fresh=True)
            return
        if self.has_read(subscriber.position) and self.try_replay_from_channel(
            subscriber, fresh=True
        ):
            return
        if not is_kept(at, self._clock()):
            self.reset(subscriber, "the events since the cursor are not kept any more", fresh=True)
        elif self.catch_up is None:
            self.reset(subscriber, "the events since the cursor are not kept", fresh=True)
        else:
            self.catch_up.start(subscriber, fresh=True)

    def _align_to_topics(self, subscriber: Subscriber) -> bool:
        """Makes `subscriber.position` one of the present partitions: an added one begins at 0. False, and nothing
        changed, where it has a partition that is gone or was recreated."""
        seen, base = subscriber.position, _channel(subscriber).base
        if any(p not in base or base[p].epoch != known.epoch for p, known in seen.items()):
            return False
        subscriber.position = {
            partition: seen.get(partition) or Position(now.epoch, 0)
            for partition, now in base.items()
        }
        return True

    def _mark_lagging(self, subscriber: Subscriber) -> None:
        channel = _channel(subscriber)
        subscriber.seq = channel.sent
        subscriber.position, subscriber.at = channel.positions_at(channel.sent), channel.at

    def _start_catch_up(self, subscriber: Subscriber) -> None:
        """The channel has evicted what it misses: that is replayed from the stored events."""
        subscriber.seq = None
        if self.catch_up is None:
            self.reset(subscriber, "too slow", fresh=False)
        else:
            self.catch_up.start(subscriber, fresh=False)

    def _flush(self, channel: Channel) -> None:
        if channel.sent == channel.seq:
            return
        entries = channel.newest(channel.seq - channel.sent)
        undecided = next((entry for entry in entries if entry.undecided), None)
        if undecided is not None:
            entries = entries[: undecided.seq - entries[0].seq]
        misses: dict[Subscriber, None] = {}
        for part in parts(entries):
            live = [list(group) for group in channel.groups.values()]
            channel.sent = part[-1].seq
            for group in live:
                self.counts.deliveries += deliver(part, group)
            if any(entry.lost for entry in part):  # also who stopped reading at what was written
                misses |= dict.fromkeys(one for group in live for one in group)
        self.counts.skipped += sum(entry.lost for entry in entries)
        for subscriber in misses:
            channel.leave_group(subscriber)
        if undecided is not None:
            self._hold(channel, undecided)
        for subscriber in misses:
            self.reset(subscriber, UNREADABLE, fresh=False)

    def _hold(self, channel: Channel, undecided: Entry) -> None:
        """Live subscribers lag from this entry on, until it is decided."""
        position = channel.positions_at(undecided.seq - 1)
        channel.sent = channel.seq
        for subscriber in [one for group in channel.groups.values() for one in group]:
            subscriber.seq = undecided.seq - 1
            subscriber.position, subscriber.at = position, channel.at
        channel.groups.clear()
        self._start_decisions(channel)

    def _start_decisions(self, channel: Channel) -> None:
        if self.decisions is not None:
            self.decisions.start(channel)

    def decide(self, channel: Channel, decided: Mapping[Entry, bool | None]) -> None:
        """Delivers entries that were undecided, where they were accepted, and what waits behind them, in the next turns
        of the event loop; None: nobody knows."""
        for entry, accepted in decided.items():
            assert not isinstance(entry.value, bytes | Worded), "it was parsed"
            entry.event, entry.value = entry.value if accepted else None, None
            entry.undecided, entry.lost = False, accepted is None
            self.counts.events += entry.event is not None
            self.counts.skipped += entry.lost
        channel.undecided = deque(entry for entry in channel.undecided if entry.undecided)
        self._replay_soon(one for one in channel.subscribers if one.seq is not None)

    def has_read(self, position: Positions) -> bool:
        """Whether this process has read all before `position`."""
        return all(
            (known := self.read.get(partition)) is not None
            and (known.epoch != wanted.epoch or known.next >= wanted.next)
            for partition, wanted in position.items()
        )


def _alike(subscribers: Iterable[Subscriber]) -> list[list[Subscriber]]:
    """Those that lag and read, grouped by what they have and want: each group gets the same bytes."""
    groups: dict[Hashable, list[Subscriber]] = {}
    for one in subscribers:
        if one.seq is not None and one.paused is None and not one.ended:
            key = (one.channel, one.seq, id(one.position), group_key(one))
            groups.setdefault(key, []).append(one)
    return list(groups.values())


def _channel(subscriber: Subscriber) -> Channel:
    assert subscriber.channel is not None, "a subscriber that has not joined"
    return subscriber.channel
