"""Writes entries to many subscribers: those with the same events get the same bytes."""

from collections.abc import Sequence

from api.push.channel import Entry
from api.push.encoding import Encoding
from api.push.records import log_unforeseen
from api.push.subscriber import Subscriber


def fan_out(entries: Sequence[Entry], subscribers: Sequence[Subscriber]) -> int:
    """Writes to subscribers of one encoding and the same event types; returns how many events, times subscribers.

    An entry that cannot be encoded is `lost` from then on, and the others are written.
    """
    if not subscribers:
        return 0
    encoding, types = subscribers[0].encoding, subscribers[0].filter.types
    wanted = [e for e in entries if e.event is not None and e.event.type in types]
    if not wanted:
        return 0
    users = {e.event.user for e in wanted if e.event is not None and e.event.user is not None}
    if not users:
        frames = _frames(encoding, wanted)
        for subscriber in subscribers:
            subscriber.outlet.write(frames)
        return len(wanted) * len(subscribers)
    count = 0
    encoded: dict[str | None, tuple[int, bytes]] = {}
    for subscriber in subscribers:
        user = subscriber.filter.user if subscriber.filter.user in users else None
        known = encoded.get(user)
        if known is None:
            mine = [e for e in wanted if e.event is not None and e.event.user in (None, user)]
            known = encoded[user] = (len(mine), _frames(encoding, mine) if mine else b"")
        if known[0]:
            count += known[0]
            subscriber.outlet.write(known[1])
    return count


def _frames(encoding: Encoding, entries: Sequence[Entry]) -> bytes:
    try:
        return encoding.events([(e.event, e.cursor) for e in entries if e.event is not None])
    except Exception as error:
        if len(entries) > 1:
            return b"".join(_frames(encoding, [entry]) for entry in entries)
        (entry,) = entries
        entry.event, entry.lost = None, True
        log_unforeseen(entry.partition, entry.position.next - 1, error)
        return b""
