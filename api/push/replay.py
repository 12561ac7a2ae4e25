"""Replay: a subscriber that lags, or comes with a cursor, gets the entries of its channel that it does not have, and is
live then. What the channel does not have any more is replayed from the stored events.

All of it happens on the event loop without waiting, so what is replayed and what is live join without a gap. A turn of
the loop replays a slice; who does not have all by then still lags, and goes on in a later turn.
"""

import asyncio
import logging
from collections import OrderedDict, deque
from collections.abc import Callable, Hashable, Iterable, Mapping
from itertools import takewhile
from typing import Protocol

from api.push.channel import Channel, Entry, channel_of, group_key, seen
from api.push.delivery import Delivery
from api.push.read_positions import ReadPositions
from api.push.records import Worded
from api.push.stored_events import is_kept
from api.push.subscriber import Subscriber
from shopstream.contracts.cursor import BadCursor, Position, read

log = logging.getLogger(__name__)

TOPIC_RECREATED = "a topic was recreated since the cursor"
SLICE = 64
"""Entries read and subscribers written to, in one turn of the event loop, of what is replayed from channels; and the
part of a channel that exceeds it. A check takes some 65 us, a write 20 us: at most about 5 ms."""


class CatchUp(Protocol):
    """Replays stored events to a subscriber from `subscriber.position` until the channel's entries reach back to it."""

    def start(self, subscriber: Subscriber, *, fresh: bool) -> None:
        """`fresh`: `stream:ready` has not been sent to it yet."""


class Replay:
    """`clock` is Unix time. `catch_up` is set before the first subscriber joins."""

    def __init__(self, delivery: Delivery, read: ReadPositions, clock: Callable[[], float]) -> None:
        self.catch_up: CatchUp | None = None
        self._delivery = delivery
        self._read = read
        self._clock = clock
        self._waiting: OrderedDict[Subscriber, None] = OrderedDict()
        """They lag, and are replayed to in the next turns of the event loop."""
        self._scheduled = False

    def from_cursor(self, subscriber: Subscriber, since: str) -> None:
        """Begins a stream after a cursor, or in its stored events where the channel does not reach back to it."""
        try:
            given, at = read(since)
        except BadCursor:
            self._delivery.reset(subscriber, "the cursor is not one of this API", fresh=True)
            return
        subscriber.position, subscriber.at = given, at
        if not self.align_to_topics(subscriber):
            self._delivery.reset(subscriber, TOPIC_RECREATED, fresh=True)
            return
        if self._read.includes(subscriber.position) and self.try_from_channel(
            subscriber, fresh=True
        ):
            return
        if not is_kept(at, self._clock()):
            self._delivery.reset(
                subscriber, "the events since the cursor are not kept any more", fresh=True
            )
        elif self.catch_up is None:
            self._delivery.reset(subscriber, "the events since the cursor are not kept", fresh=True)
        else:
            self.catch_up.start(subscriber, fresh=True)

    def try_from_channel(self, subscriber: Subscriber, *, fresh: bool) -> bool:
        """Replays from the channel if its entries reach back to what the subscriber has; else returns False and writes
        nothing. A subscriber whose cursor is of a recreated topic is reset."""
        channel = channel_of(subscriber)
        self._delivery.flush(channel)
        if not self.align_to_topics(subscriber):
            self._delivery.reset(subscriber, TOPIC_RECREATED, fresh=fresh)
            return True
        if not channel.reaches(subscriber.position):
            return False
        subscriber.seq = channel.seen_until(subscriber.position)
        if fresh:
            self._delivery.send_ready(subscriber)
        self.from_channel(subscriber)
        return True

    def from_channel(self, subscriber: Subscriber) -> None:
        """Writes the entries that a lagging subscriber does not have, until it is live or its client does not read;
        what is beyond a slice in the next turns of the event loop."""
        self._slice([subscriber])

    def decide(self, channel: Channel, decided: Mapping[Entry, bool | None]) -> None:
        """Delivers entries that were undecided, where they were accepted, and what waits behind them, in the next turns
        of the event loop; None: nobody knows."""
        for entry, accepted in decided.items():
            assert not isinstance(entry.value, bytes | Worded), "it was parsed"
            entry.event, entry.value = entry.value if accepted else None, None
            entry.undecided, entry.lost = False, accepted is None
            self._delivery.counts.events += entry.event is not None
            self._delivery.counts.skipped += entry.lost
        channel.undecided = deque(entry for entry in channel.undecided if entry.undecided)
        self._soon(one for one in channel.subscribers if one.seq is not None)

    def align_to_topics(self, subscriber: Subscriber) -> bool:
        """Makes `subscriber.position` one of the present partitions: an added one begins at 0. False, and nothing
        changed, where it has a partition that is gone or was recreated."""
        seen, base = subscriber.position, channel_of(subscriber).base
        if any(p not in base or base[p].epoch != known.epoch for p, known in seen.items()):
            return False
        subscriber.position = {
            partition: seen.get(partition) or Position(now.epoch, 0)
            for partition, now in base.items()
        }
        return True

    def _soon(self, lagging: Iterable[Subscriber]) -> None:
        self._waiting.update(dict.fromkeys(lagging))
        if self._waiting and not self._scheduled:
            self._scheduled = True
            asyncio.get_running_loop().call_soon(self._next)

    def _next(self) -> None:
        self._scheduled = False
        count = min(len(self._waiting), SLICE)
        self._slice([self._waiting.popitem(last=False)[0] for _ in range(count)])

    def _slice(self, lagging: list[Subscriber]) -> None:
        used, groups = 0, deque(_alike(lagging))
        while groups and used < SLICE:
            group = groups.popleft()
            try:
                written = self._part(group)
            except Exception as error:
                # nothing else would bring them on: their clients come back with their cursors
                log.error("replaying to %d streams failed", len(group), exc_info=error)
                for subscriber in group:
                    subscriber.outlet.abort()
                continue
            if written:
                used += written + len(group)
                groups += _alike(group)
        self._soon(one for group in groups for one in group)

    def _part(self, group: list[Subscriber]) -> int:
        """Writes the next entries, about `MAX_WRITE` bytes, to lagging subscribers that are alike; who has all then
        goes live. Returns how many entries they were."""
        channel, seq, position = channel_of(group[0]), group[0].seq, group[0].position
        assert seq is not None, "it lags"
        self._delivery.flush(channel)
        entries = channel.after(seq)
        if entries is None:
            for subscriber in group:
                self._start_catch_up(subscriber)
            return 0
        decided = list(takewhile(lambda entry: not entry.undecided, entries))
        if entries and not decided:
            self._delivery.start_decisions(channel)
            return 0
        seq += len(decided)
        unseen = [entry for entry in decided if not seen(entry, position)]
        position = {**position, **{entry.partition: entry.position for entry in unseen}}
        at = max((entry.at for entry in unseen), default=0)
        for subscriber in group:
            subscriber.seq, subscriber.position = seq, position
            subscriber.at = max(subscriber.at, at)
        self._delivery.write(unseen, group)
        for subscriber in group:
            if seq == channel.seq and subscriber.paused is None:
                self._delivery.go_live(subscriber)
        return len(decided)

    def _start_catch_up(self, subscriber: Subscriber) -> None:
        """The channel has evicted what it misses: that is replayed from the stored events."""
        subscriber.seq = None
        if self.catch_up is None:
            self._delivery.reset(subscriber, "too slow", fresh=False)
        else:
            self.catch_up.start(subscriber, fresh=False)


def _alike(subscribers: Iterable[Subscriber]) -> list[list[Subscriber]]:
    """Those that lag and read, grouped by what they have and want: each group gets the same bytes."""
    groups: dict[Hashable, list[Subscriber]] = {}
    for one in subscribers:
        if one.seq is not None and one.paused is None and not one.ended:
            key = (one.channel, one.seq, id(one.position), group_key(one))
            groups.setdefault(key, []).append(one)
    return list(groups.values())
