"""Rooms by shop: where each shop's stream is, and who listens to it."""

import asyncio
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field

from shopstream.api.push import frames
from shopstream.api.push.records import Pushed
from shopstream.api.push.subscriber import Subscriber
from shopstream.api.push.vector import Vector
from shopstream.contracts.cursor import BadCursor, Cursor, Partition, Position, decode

Positions = Mapping[Partition, Position]
QUIET_ROOMS = 20_000
"""Shops that nobody listens to whose place is kept."""


@dataclass(eq=False, slots=True)
class Room:
    """Where a shop's stream is: in `moved`, and in every other partition where the hub began.

    `vector` stands while somebody listens.
    """

    moved: dict[Partition, Position] = field(default_factory=dict)
    subscribers: set[Subscriber] = field(default_factory=set)
    vector: Vector | None = None


class Hub:
    """One process reads every topic once; each event is encoded once and shared by its subscribers.

    Beyond `QUIET_ROOMS` the one that moved least recently is forgotten: a shop without a room is taken to
    have moved as far as any forgotten one, so a cursor from before that is told as not complete.
    """

    def __init__(self) -> None:
        self._rooms: dict[str, Room] = {}
        self._quiet: OrderedDict[str, Room] = OrderedDict()
        self._base: dict[Partition, Position] = {}
        self._ready = asyncio.Event()
        self._closed = False
        self.events = 0
        self.frames = 0
        self.resets = 0

    def begin(self, positions: Positions) -> None:
        """These are all partitions there are, and where the reading of each goes on."""
        self._base = dict(positions)
        for room in (*self._rooms.values(), *self._quiet.values()):
            room.moved = {
                place: position
                for place, position in room.moved.items()
                if place in positions and positions[place].epoch == position.epoch
            }
            if room.vector is not None:
                room.vector = Vector(self._positions(room))

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

    def listened(self, shop: str) -> bool:
        """Whether somebody listens to a shop."""
        return shop in self._rooms

    def passed(self, shop: str, place: Partition, position: Position) -> Room:
        """The shop's stream has seen everything before `position`."""
        room = self._rooms.get(shop)
        if room is None:
            room = self._quiet.pop(shop, Room())
            self._keep(shop, room)
        room.moved[place] = position
        if room.vector is not None:
            room.vector.move(place, position)
        return room

    def publish(self, pushed: Pushed, place: Partition, position: Position) -> None:
        """Offers an event to those it is for; `position` is right after it."""
        room = self.passed(pushed.shop, place, position)
        if room.vector is None:
            return
        self.events += 1
        cursor = room.vector.text()
        frame = frames.event(cursor, pushed.kind, pushed.data)
        reset = frames.reset(cursor, "too slow")
        for subscriber in room.subscribers:
            if subscriber.wish.wants(pushed.kind, pushed.user):
                self.frames += 1
                self.resets += subscriber.offer(frame, reset)

    def join(self, shop: str, subscriber: Subscriber, since: str | None) -> None:
        """Adds a subscriber; its first frame says whether anything is missing since the cursor `since`."""
        room = self._rooms.get(shop)
        if room is None:
            room = self._rooms[shop] = self._quiet.pop(shop, Room())
        if room.vector is None:
            room.vector = Vector(self._positions(room))
        cursor = room.vector.text()
        complete = since is None or _nothing_between(since, room.vector.positions)
        subscriber.offer(frames.ready(complete, cursor), b"")
        if not complete:
            subscriber.offer(frames.reset(cursor, "the events since the cursor are not kept"), b"")
        room.subscribers.add(subscriber)
        if self._closed:
            subscriber.end(frames.bye("shutdown"))

    def leave(self, shop: str, subscriber: Subscriber) -> None:
        """Takes a subscriber out; a room that nobody listens to keeps only where it is."""
        room = self._rooms[shop]
        room.subscribers.discard(subscriber)
        if not room.subscribers:
            if room.vector is not None:
                room.moved = room.vector.positions
            room.vector = None
            self._keep(shop, self._rooms.pop(shop))

    def close(self) -> None:
        """Says goodbye to every stream."""
        self._closed = True
        for room in self._rooms.values():
            for subscriber in room.subscribers:
                subscriber.end(frames.bye("shutdown"))

    def subscribers(self) -> int:
        """How many streams are open."""
        return sum(len(room.subscribers) for room in self._rooms.values())

    def _keep(self, shop: str, room: Room) -> None:
        self._quiet[shop] = room
        if len(self._quiet) <= QUIET_ROOMS:
            return
        _, gone = self._quiet.popitem(last=False)
        for place, position in gone.moved.items():
            base = self._base.get(place, position)
            self._base[place] = max(base, position, key=lambda one: one.next)

    def _positions(self, room: Room) -> dict[Partition, Position]:
        return {**self._base, **room.moved}


def _nothing_between(since: str, now: Cursor) -> bool:
    """Whether a shop that stands at `now` had no event after the cursor `since`."""
    try:
        given = decode(since)
    except BadCursor:
        return False
    return all(
        (before := given.get(place)) is not None
        and before.epoch == position.epoch
        and before.next >= position.next
        for place, position in now.items()
    )
