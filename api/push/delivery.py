"""Writes entries of a channel to its subscribers: those with the same events get the same bytes."""

from collections.abc import Sequence

from api.push.channel import Entry
from api.push.subscriber import Subscriber


def deliver(entries: Sequence[Entry], subscribers: Sequence[Subscriber]) -> int:
    """Writes to subscribers of one encoding and the same event types; returns how many events, times subscribers."""
    if not subscribers:
        return 0
    encoding, types = subscribers[0].encoding, subscribers[0].filter.types
    events = [(e.event, e.cursor) for e in entries if e.event is not None and e.event.type in types]
    if not events:
        return 0
    users = {event.user for event, _ in events if event.user is not None}
    if not users:
        frames = encoding.events(events)
        for subscriber in subscribers:
            subscriber.outlet.write(frames)
        return len(events) * len(subscribers)
    count = 0
    encoded: dict[str | None, tuple[int, bytes]] = {}
    for subscriber in subscribers:
        user = subscriber.filter.user if subscriber.filter.user in users else None
        known = encoded.get(user)
        if known is None:
            mine = [e for e in events if e[0].user in (None, user)]
            known = encoded[user] = (len(mine), encoding.events(mine) if mine else b"")
        if known[0]:
            count += known[0]
            subscriber.outlet.write(known[1])
    return count
