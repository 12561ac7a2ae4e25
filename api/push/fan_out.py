"""Writes entries to many subscribers: those with the same events get the same bytes.

In the place of entries that are lost stands `stream:reset`: nobody has a cursor behind them without having been told.
"""

from collections.abc import Sequence
from itertools import groupby
from typing import NamedTuple

from api.push.channel import Entry
from api.push.encoding import Encoding
from api.push.records import log_unforeseen
from api.push.subscriber import Subscriber

UNREADABLE = "an event could not be read"


class Frames(NamedTuple):
    """Frames, and how many events and `stream:reset` they are."""

    text: bytes
    events: int
    resets: int


def fan_out(entries: Sequence[Entry], subscribers: Sequence[Subscriber]) -> tuple[int, int]:
    """Writes to subscribers of one encoding and the same event types; returns how many events and how many
    `stream:reset`, times subscribers.

    An entry that cannot be encoded is `lost` from then on.
    """
    if not subscribers:
        return 0, 0
    encoding, types = subscribers[0].encoding, subscribers[0].filter.types
    wanted = [e for e in entries if e.lost or (e.event is not None and e.event.type in types)]
    if not wanted:
        return 0, 0
    users = {e.event.user for e in wanted if e.event is not None and e.event.user is not None}
    if not users:
        frames = _frames(encoding, wanted)
        for subscriber in subscribers:
            subscriber.outlet.write(frames.text)
        return frames.events * len(subscribers), frames.resets * len(subscribers)
    events = resets = 0
    encoded: dict[str | None, Frames] = {}
    for subscriber in subscribers:
        user = subscriber.filter.user if subscriber.filter.user in users else None
        known = encoded.get(user)
        if known is None:
            mine = [e for e in wanted if e.event is None or e.event.user in (None, user)]
            known = encoded[user] = _frames(encoding, mine)
        if known.text:
            subscriber.outlet.write(known.text)
            events, resets = events + known.events, resets + known.resets
    return events, resets


def _frames(encoding: Encoding, entries: Sequence[Entry]) -> Frames:
    try:
        return _encode(encoding, entries)
    except Exception:
        for entry in entries:
            try:
                _encode(encoding, [entry])
            except Exception as error:
                entry.event, entry.lost = None, True
                log_unforeseen(entry.partition, entry.position.next - 1, error)
        return _encode(encoding, entries)


def _encode(encoding: Encoding, entries: Sequence[Entry]) -> Frames:
    text, events, resets = b"", 0, 0
    for lost, run in groupby(entries, lambda entry: entry.lost):
        found = list(run)
        if lost:
            text += encoding.control("stream:reset", reason=UNREADABLE, cursor=found[-1].cursor)
            resets += 1
        else:
            text += encoding.events([(e.event, e.cursor) for e in found if e.event is not None])
            events += len(found)
    return Frames(text, events, resets)
