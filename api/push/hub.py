"""Channels by shop: one process reads every topic once, each event is encoded once for each protocol, and the same
bytes go to every subscriber.

There is no queue, task or copy for a subscriber. Events of one turn of the event loop are written to a live subscriber
at once (`delivery.py`). One whose client does not read, or that comes with a cursor, *lags*: the number of an entry,
from which it is replayed (`replay.py`).
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

from api.push.channel import Channel, Value, channel_of
from api.push.channels import Channels
from api.push.delivery import Delivery
from api.push.encoding import Encoding
from api.push.read_positions import Positions, ReadPositions
from api.push.records import PushEvent
from api.push.replay import TOPIC_RECREATED, Replay
from api.push.status_words import StatusWords
from api.push.subscriber import Outlet, Subscriber
from api.push.suspects import Suspects
from shopstream.contracts.cursor import Partition, Position

log = logging.getLogger(__name__)

GOODBYE_SECONDS = 30.0
"""How long a client may take to read the goodbye of its stream."""


class SubscriberObserver(Protocol):
    """Is called when a subscriber joins, and when it leaves."""

    def joined(self, subscriber: Subscriber) -> None: ...

    def left(self, subscriber: Subscriber) -> None: ...


class Hub:
    """`clock` is Unix time. `observer` is set before the first subscriber joins."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.observer: SubscriberObserver | None = None
        self.words = StatusWords()
        self.read = ReadPositions()
        self.delivery = Delivery()
        self.replay = Replay(self.delivery, self.read, clock)
        self.counts = self.delivery.counts
        self._clock = clock
        self._channels = Channels(self.delivery.flush, self.words)
        self._dirty: list[Channel] = []
        self._suspects = Suspects()
        self._closed = False

    def begin(self, positions: Positions) -> None:
        """Sets the partitions that exist, and the position from which each is read."""
        self.flush()
        self._suspects.find(self._channels.all(), self.read.positions, positions, self._clock())
        self.read.positions = dict(positions)
        self._channels.begin(dict(positions))
        for subscriber in self.subscribers():
            if subscriber.seq is not None and not self.replay.align_to_topics(subscriber):
                self.delivery.reset(subscriber, TOPIC_RECREATED, fresh=False)

    def skip(self, partition: Partition, position: Position, reason: str) -> None:
        """What lay before `position` could not be read: every live subscriber gets `stream:reset`."""
        self.flush()
        self._channels.skip(partition, position)
        self.read.passed(partition, position)
        for subscriber in self.subscribers():
            if subscriber.catching_up is None or subscriber.catching_up.done():
                channel_of(subscriber).leave_group(subscriber)
                self.delivery.reset(subscriber, reason, fresh=False)

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
            try:
                self.delivery.flush(channel)
            except Exception as error:
                log.error("writing to the streams of a shop failed", exc_info=error)
                for subscriber in list(channel.subscribers):
                    subscriber.outlet.abort()

    def join(self, shop: str, subscriber: Subscriber, since: str | None) -> None:
        """Adds a subscriber. Its first frame, `stream:ready`, says whether it misses anything since the cursor `since`;
        where that has to be looked up in the stored events, the frame comes later."""
        channel = self._channels.join(shop, int(self._clock()))
        self.delivery.flush(channel)
        channel.subscribers.add(subscriber)
        subscriber.channel = channel
        channel.start_encoding()
        if self.observer:
            self.observer.joined(subscriber)
        if self._closed:
            self.end(subscriber, "shutdown")
        elif since is None:
            self.delivery.send_ready(subscriber)
            self.delivery.go_live(subscriber)
        else:
            self.replay.from_cursor(subscriber, since)

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
        channel = channel_of(subscriber)
        self.delivery.flush(channel)
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
        self.delivery.flush(channel)
        for (encoding, types), group in list(channel.groups.items()):
            admins = [one for one in group if one.filter.admin] if event.type in types else []
            frame = encoding.events([(event, "")]) if admins else b""
            for subscriber in admins:
                subscriber.outlet.write(frame)

    def switch_connection(
        self, subscriber: Subscriber, encoding: Encoding, outlet: Outlet, waiting: bytes
    ) -> None:
        """Continues over another connection of the same client, on which `waiting` is written first."""
        channel = channel_of(subscriber)
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
        # its cursor says that everything before it was sent
        self.delivery.flush(channel_of(subscriber))
        cursor = self.delivery.cursor_of(subscriber)
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
            self.delivery.lag(subscriber)

    def on_writable(self, subscriber: Subscriber) -> None:
        """Its client reads again: replays what it missed, or lets its catch-up go on."""
        subscriber.paused = None
        subscriber.reads.set()
        if subscriber.seq is not None and not subscriber.ended:
            self.replay.from_channel(subscriber)
