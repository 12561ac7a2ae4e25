"""Live delivery: what arrives in a channel is written to its live subscribers, once a turn of the event loop.

One whose client does not read lags, and so do all behind an order that only the pipeline can judge; `replay.py` brings
them on.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from api.push.channel import Channel, Entry, channel_of, parts
from api.push.fan_out import fan_out
from api.push.subscriber import Subscriber
from shopstream.contracts.cursor import encode


class Decisions(Protocol):
    """Asks whether the pipeline accepted the undecided entries of a channel; `Replay.decide` gets each."""

    def start(self, channel: Channel) -> None: ...


@dataclass(slots=True)
class Counts:
    """Counters since the start, for `/metrics`."""

    events: int = 0
    deliveries: int = 0
    paused: int = 0
    resets: int = 0
    aborted: int = 0
    skipped: int = 0


class Delivery:
    """`decisions` is set before the first subscriber joins."""

    def __init__(self) -> None:
        self.counts = Counts()
        self.decisions: Decisions | None = None

    def flush(self, channel: Channel) -> None:
        """Writes what was not written yet to the live subscribers."""
        if channel.sent == channel.seq:
            return
        entries = channel.newest(channel.seq - channel.sent)
        undecided = next((entry for entry in entries if entry.undecided), None)
        if undecided is not None:
            entries = entries[: undecided.seq - entries[0].seq]
        for part in parts(entries):
            live = [list(group) for group in channel.groups.values()]
            channel.sent = part[-1].seq
            for group in live:
                self.write(part, group)
        self.counts.skipped += sum(entry.lost for entry in entries)
        if undecided is not None:
            self._hold(channel, undecided)

    def write(self, entries: Sequence[Entry], group: Sequence[Subscriber]) -> None:
        """Writes entries to subscribers of one encoding and the same event types."""
        events, resets = fan_out(entries, group)
        self.counts.deliveries += events
        self.counts.resets += resets

    def go_live(self, subscriber: Subscriber) -> None:
        """Delivers what arrives from now on; a paused subscriber lags instead."""
        if subscriber.paused is not None:
            self.lag(subscriber)
            return
        subscriber.seq, subscriber.position = None, {}
        channel_of(subscriber).join_group(subscriber)

    def lag(self, subscriber: Subscriber) -> None:
        """It has what was written to the live subscribers."""
        channel = channel_of(subscriber)
        subscriber.seq = channel.sent
        subscriber.position, subscriber.at = channel.positions_at(channel.sent), channel.at

    def reset(self, subscriber: Subscriber, reason: str, *, fresh: bool) -> None:
        """Writes `stream:reset`, because something was missed that cannot be replayed, and goes live."""
        channel = channel_of(subscriber)
        self.flush(channel)
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
        return channel_of(subscriber).cursor()

    def start_decisions(self, channel: Channel) -> None:
        """Has the undecided entries decided; what waits for them is replayed then."""
        if self.decisions is not None:
            self.decisions.start(channel)

    def _hold(self, channel: Channel, undecided: Entry) -> None:
        """Live subscribers lag from this entry on, until it is decided."""
        position = channel.positions_at(undecided.seq - 1)
        channel.sent = channel.seq
        for subscriber in [one for group in channel.groups.values() for one in group]:
            subscriber.seq = undecided.seq - 1
            subscriber.position, subscriber.at = position, channel.at
        channel.groups.clear()
        self.start_decisions(channel)
