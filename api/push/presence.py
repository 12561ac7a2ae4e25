"""Who is connected to a shop's stream, over all API processes.

Each process counts its own subscribers, and publishes changes as they happen and a snapshot every 20 s. The counts of a
process that was silent for a minute are dropped.
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
CHUNK = 1000
"""Counts in one record."""
MAX_USERS = 1000
"""Users of a shop that are named; all their connections are counted."""
SOURCE = "/shopstream/api"

ShopUser = tuple[str, str]
"""Shop and user."""


class PresenceCounts:
    """Connections by shop and user."""

    def __init__(self) -> None:
        self._shops: dict[str, dict[str, int]] = {}

    def get(self, shop_user: ShopUser) -> int:
        """Connections of a user of a shop; 0 where there is none."""
        return self._shops.get(shop_user[0], {}).get(shop_user[1], 0)

    def set(self, shop_user: ShopUser, count: int) -> bool:
        """Sets the connections of a user; returns whether that is another number than before."""
        if self.get(shop_user) == count:
            return False
        shop, user = shop_user
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

    def all(self) -> dict[ShopUser, int]:
        """By shop and user."""
        return {(shop, user): n for shop, users in self._shops.items() for user, n in users.items()}


@dataclass(slots=True)
class _Peer:
    last_message: float
    counts: PresenceCounts = field(default_factory=PresenceCounts)
    snapshot: dict[ShopUser, int] = field(default_factory=dict)
    """A snapshot whose last chunk has not come yet."""


class Presence:
    """The connections of all processes; `name` is that of this one, `clock` monotonic. No I/O."""

    def __init__(self, name: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._name = name
        self._clock = clock
        self._own = PresenceCounts()
        self._peers: dict[str, _Peer] = {}
        self._unpublished: set[ShopUser] = set()
        self._changed: set[str] = set()

    def joined(self, subscriber: Subscriber) -> None:
        self._count(subscriber, 1)

    def left(self, subscriber: Subscriber) -> None:
        self._count(subscriber, -1)

    def of(self, shop: str) -> dict[str, Any]:
        """`{"connections", "users": [{"userId", "connections"}]}`, by user; at most `MAX_USERS` of them."""
        found = Counter[str]()
        for counts in (self._own, *(peer.counts for peer in self._peers.values())):
            found.update(counts.of(shop))
        users = [{"userId": user, "connections": found[user]} for user in sorted(found)]
        return {"connections": found.total(), "users": users[:MAX_USERS]}

    def pending_changes(self) -> Iterator[dict[str, Any]]:
        """Changes that are not published yet, as messages; one counts as published once the next one is asked for."""
        while self._unpublished:
            some = list(self._unpublished)[:CHUNK]
            yield {"counts": [[*shop_user, self._own.get(shop_user)] for shop_user in some]}
            self._unpublished.difference_update(some)

    def snapshot(self) -> Iterator[dict[str, Any]]:
        """Everything that this process counts, as messages of at most `CHUNK` counts."""
        counts = [[*shop_user, count] for shop_user, count in self._own.all().items()]
        last = max(0, len(counts) - 1) // CHUNK
        for n in range(last + 1):
            chunk = counts[n * CHUNK : (n + 1) * CHUNK]
            yield {"counts": chunk, "first": n == 0, "last": n == last}

    def apply_message(self, process: str, message: dict[str, Any]) -> None:
        """Applies a message of `pending_changes` or `snapshot`, or `{"gone": true}`; ignores those of this process."""
        if process == self._name:
            return
        if message.get("gone"):
            self._drop(process)
            return
        peer = self._peers.setdefault(process, _Peer(self._clock()))
        peer.last_message = self._clock()
        counts = {(str(shop), str(user)): int(count) for shop, user, count in message["counts"]}
        if "first" in message:
            self._apply_snapshot_chunk(peer, counts, message["first"], message["last"])
        else:
            for shop_user, count in counts.items():
                self._set(peer.counts, shop_user, count)

    def sweep(self) -> None:
        """Drops processes that sent nothing for `SILENT_SECONDS`."""
        late = self._clock() - SILENT_SECONDS
        for process in [name for name, peer in self._peers.items() if peer.last_message < late]:
            self._drop(process)

    def take_changed(self) -> set[str]:
        """Shops of which anything changed since the last call."""
        found, self._changed = self._changed, set()
        return found

    def _count(self, subscriber: Subscriber, step: int) -> None:
        channel = subscriber.channel
        if channel is None:
            return
        shop_user = (channel.shop, subscriber.filter.user)
        self._own.set(shop_user, self._own.get(shop_user) + step)
        self._unpublished.add(shop_user)
        self._changed.add(channel.shop)

    def _apply_snapshot_chunk(
        self, peer: _Peer, counts: dict[ShopUser, int], first: bool, last: bool
    ) -> None:
        if first:
            peer.snapshot = {}
        peer.snapshot.update(counts)
        if not last:
            return
        for shop_user in peer.counts.all().keys() | peer.snapshot.keys():
            self._set(peer.counts, shop_user, peer.snapshot.get(shop_user, 0))
        peer.snapshot = {}

    def _set(self, counts: PresenceCounts, shop_user: ShopUser, count: int) -> None:
        if counts.set(shop_user, count):
            self._changed.add(shop_user[0])

    def _drop(self, process: str) -> None:
        gone = self._peers.pop(process, None)
        if gone is not None:
            self._changed.update(shop for shop, _ in gone.counts.all())


class PresencePublisher:
    """Publishes counts to the other processes, and `presence:changed` to admins whose stream is here."""

    def __init__(self, presence: Presence, peers: Peers, hub: Hub) -> None:
        self._presence = presence
        self._peers = peers
        self._hub = hub
        self._snapshot_sent = -SNAPSHOT_SECONDS
        self._announced = 0.0
        peers.on("presence", presence.apply_message)

    async def run(self) -> None:
        """Publishes changes every `GATHER_SECONDS`; never returns."""
        while True:
            await asyncio.sleep(GATHER_SECONDS)
            try:
                await self._publish()
            except NotYet:
                await asyncio.sleep(ANNOUNCE_SECONDS)
            self._announce_changes(time.monotonic())

    async def stop(self) -> None:
        """Publishes that this process is gone; gives up where Kafka does not answer."""
        try:
            await self._peers.say("presence", {"gone": True})
        except NotYet:
            return

    async def _publish(self) -> None:
        for record in self._presence.pending_changes():
            await self._peers.say("presence", record)
        now = time.monotonic()
        if now - self._snapshot_sent >= SNAPSHOT_SECONDS:
            for record in self._presence.snapshot():
                await self._peers.say("presence", record)
            self._snapshot_sent = now

    def _announce_changes(self, now: float) -> None:
        if now - self._announced < ANNOUNCE_SECONDS:
            return
        self._announced = now
        self._presence.sweep()
        for shop in self._presence.take_changed():
            if self._hub.has_subscribers(shop):
                self._hub.announce(changed(shop, self._presence.of(shop)))


def changed(shop: str, body: dict[str, Any]) -> PushEvent:
    """A `presence:changed` event; its data is the body of `GET /presence`."""
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
