"""Who is connected to a shop's stream, over all API processes.

Each process counts its own subscribers, and tells the others what changed, and now and then everything. One that is
silent is taken for gone, with all whom it counted.
"""

import asyncio
import secrets
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import orjson

from api.faults import NotYet
from api.peers import Peers
from api.push.event_types import PRESENCE
from api.push.hub import Hub
from api.push.records import PushEvent
from api.push.subscriber import Subscriber

GATHER_SECONDS = 0.1
SNAPSHOT_SECONDS = 20.0
SILENT_SECONDS = 60.0
ANNOUNCE_SECONDS = 1.0
PIECE = 1000
"""Counts in one record."""
MOST_USERS = 1000
"""Users of a shop that are named; the number of connections is of all."""
SOURCE = "/shopstream/api"

Place = tuple[str, str]
"""Shop and user."""


class Counts:
    """Connections by shop and user."""

    def __init__(self) -> None:
        self._shops: dict[str, dict[str, int]] = {}

    def get(self, place: Place) -> int:
        """Of a user of a shop."""
        return self._shops.get(place[0], {}).get(place[1], 0)

    def set(self, place: Place, count: int) -> bool:
        """Whether it was another number."""
        if self.get(place) == count:
            return False
        shop, user = place
        users = self._shops.setdefault(shop, {})
        if count > 0:
            users[user] = count
        else:
            users.pop(user, None)
            if not users:
                del self._shops[shop]
        return True

    def of(self, shop: str) -> Mapping[str, int]:
        """By user."""
        return self._shops.get(shop, {})

    def all(self) -> dict[Place, int]:
        """By shop and user."""
        return {(shop, user): n for shop, users in self._shops.items() for user, n in users.items()}


@dataclass(slots=True)
class _Peer:
    heard: float
    counts: Counts = field(default_factory=Counts)
    coming: dict[Place, int] = field(default_factory=dict)
    """A snapshot of which not every piece is there yet."""


class Presence:
    """The book of all processes; `name` is that of this one, `clock` monotonic. No I/O."""

    def __init__(self, name: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._name = name
        self._clock = clock
        self._own = Counts()
        self._peers: dict[str, _Peer] = {}
        self._untold: set[Place] = set()
        self._changed: set[str] = set()

    def joined(self, subscriber: Subscriber) -> None:
        """A stream of this process began."""
        self._count(subscriber, 1)

    def left(self, subscriber: Subscriber) -> None:
        """It is over."""
        self._count(subscriber, -1)

    def of(self, shop: str) -> dict[str, Any]:
        """`{"connections", "users": [{"userId", "connections"}]}`, by user; at most `MOST_USERS` of them."""
        found = Counter[str]()
        for counts in (self._own, *(peer.counts for peer in self._peers.values())):
            found.update(counts.of(shop))
        users = [{"userId": user, "connections": found[user]} for user in sorted(found)]
        return {"connections": found.total(), "users": users[:MOST_USERS]}

    def news(self) -> Iterator[dict[str, Any]]:
        """What the others do not know yet, as records; a record counts as told once the next one is asked for."""
        while self._untold:
            some = list(self._untold)[:PIECE]
            yield {"counts": [[*place, self._own.get(place)] for place in some]}
            self._untold.difference_update(some)

    def snapshot(self) -> Iterator[dict[str, Any]]:
        """Everything that this process counts, as records."""
        counts = [[*place, count] for place, count in self._own.all().items()]
        last = max(0, len(counts) - 1) // PIECE
        for n in range(last + 1):
            piece = counts[n * PIECE : (n + 1) * PIECE]
            yield {"counts": piece, "first": n == 0, "last": n == last}

    def hear(self, process: str, said: dict[str, Any]) -> None:
        """Takes the word of a process."""
        if process == self._name:
            return
        if said.get("gone"):
            self._drop(process)
            return
        peer = self._peers.setdefault(process, _Peer(self._clock()))
        peer.heard = self._clock()
        counts = {(str(shop), str(user)): int(count) for shop, user, count in said["counts"]}
        if "first" in said:
            self._piece(peer, counts, said["first"], said["last"])
        else:
            for place, count in counts.items():
                self._set(peer.counts, place, count)

    def sweep(self) -> None:
        """Drops who is silent."""
        late = self._clock() - SILENT_SECONDS
        for process in [name for name, peer in self._peers.items() if peer.heard < late]:
            self._drop(process)

    def take_changed(self) -> set[str]:
        """Shops of which anything changed since the last call."""
        found, self._changed = self._changed, set()
        return found

    def _count(self, subscriber: Subscriber, step: int) -> None:
        channel = subscriber.channel
        if channel is None:
            return
        place = (channel.shop, subscriber.filter.user)
        self._own.set(place, self._own.get(place) + step)
        self._untold.add(place)
        self._changed.add(channel.shop)

    def _piece(self, peer: _Peer, counts: dict[Place, int], first: bool, last: bool) -> None:
        if first:
            peer.coming = {}
        peer.coming.update(counts)
        if not last:
            return
        for place in peer.counts.all().keys() | peer.coming.keys():
            self._set(peer.counts, place, peer.coming.get(place, 0))
        peer.coming = {}

    def _set(self, counts: Counts, place: Place, count: int) -> None:
        if counts.set(place, count):
            self._changed.add(place[0])

    def _drop(self, process: str) -> None:
        gone = self._peers.pop(process, None)
        if gone is not None:
            self._changed.update(shop for shop, _ in gone.counts.all())


class PresenceTeller:
    """Tells the other processes, and the admins who listen here."""

    def __init__(self, presence: Presence, peers: Peers, hub: Hub) -> None:
        self._presence = presence
        self._peers = peers
        self._hub = hub
        self._told = -SNAPSHOT_SECONDS
        self._announced = 0.0
        peers.on("presence", presence.hear)

    async def run(self) -> None:
        """For ever."""
        while True:
            await asyncio.sleep(GATHER_SECONDS)
            try:
                await self._tell()
            except NotYet:
                await asyncio.sleep(ANNOUNCE_SECONDS)
            self._announce(time.monotonic())

    async def stop(self) -> None:
        """The last word of this process."""
        try:
            await self._peers.say("presence", {"gone": True})
        except NotYet:
            return

    async def _tell(self) -> None:
        for record in self._presence.news():
            await self._peers.say("presence", record)
        now = time.monotonic()
        if now - self._told >= SNAPSHOT_SECONDS:
            for record in self._presence.snapshot():
                await self._peers.say("presence", record)
            self._told = now

    def _announce(self, now: float) -> None:
        if now - self._announced < ANNOUNCE_SECONDS:
            return
        self._announced = now
        self._presence.sweep()
        for shop in self._presence.take_changed():
            if self._hub.has_subscribers(shop):
                self._hub.announce(changed(shop, self._presence.of(shop)))


def changed(shop: str, body: dict[str, Any]) -> PushEvent:
    """A `presence:changed` event; its data is what `GET /presence` says."""
    event = {
        "specversion": "1.0",
        "id": secrets.token_hex(8),
        "source": SOURCE,
        "type": PRESENCE,
        "time": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "shopid": shop,
        "data": body,
    }
    return PushEvent(shop, PRESENCE, None, orjson.dumps(event))
