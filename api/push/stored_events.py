"""Accepted events as the pipeline stored them, page by page, in the order of each partition."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from api.freshness.tracker import RequiredPosition
from api.push.records import PushEvent, one_line
from api.push.subscriber import SubscriptionFilter
from clickhouse.client import IN_MEMORY_BYTES, ClickHouseClient, Row, Settings
from clickhouse.sql import fill, load
from shopstream.contracts.cursor import Partition, Position

KEPT_SECONDS = 30 * 24 * 3600
"""How long accepted events are stored (the TTL of the table `events`)."""
MARGIN_SECONDS = 24 * 3600
"""Partitions of that table expire by whole days."""
FIRST_PAGE = 50
"""Events, before it is known how big they are."""
LARGEST_PAGE = 1000
PAGE_BYTES = 1024 * 1024
"""Bytes that a page is to have, about."""
PAGE_SETTINGS: Settings = {"max_result_bytes": IN_MEMORY_BYTES // 2}
"""Behind small events a page may have `LARGEST_PAGE` of the largest. As JSON an event has up to twice its bytes."""


class StoredEvent(NamedTuple):
    """`position` is right after the event, `at_ms` Unix milliseconds of its arrival."""

    event: PushEvent
    partition: Partition
    position: Position
    at_ms: int

    @property
    def at(self) -> int:
        """Unix seconds."""
        return self.at_ms // 1000

    @property
    def size(self) -> int:
        """Bytes of the event's value."""
        return len(self.event.value)


@dataclass(frozen=True, slots=True)
class Span:
    """What lies from `since` on and before `until`; both have the same partitions, with the same epochs."""

    since: Mapping[Partition, Position]
    until: Mapping[Partition, Position]

    @classmethod
    def between(
        cls, since: Mapping[Partition, Position], until: Mapping[Partition, Position]
    ) -> "Span":
        """The partitions in which there is anything in between."""
        wanted = {
            partition: end
            for partition, end in until.items()
            if (known := since.get(partition)) is not None
            and known.epoch == end.epoch
            and known.next < end.next
        }
        return cls({partition: since[partition] for partition in wanted}, wanted)

    def end_positions(self) -> list[RequiredPosition]:
        """`until`, as `FreshnessTracker.wait` takes it."""
        return [
            RequiredPosition(partition, end.epoch, end.next)
            for partition, end in self.until.items()
        ]


class StoredEvents:
    """Raises `EngineUnavailable` and `EngineError` as the engine."""

    def __init__(self, engine: ClickHouseClient) -> None:
        self._engine = engine

    async def page(
        self, shop: str, span: Span, wanted: SubscriptionFilter, limit: int
    ) -> list[StoredEvent]:
        """At most `limit` events of a shop that a filter lets through, from the beginning of the span on."""
        if not span.until:
            return []
        text = fill(load("push/events.sql"), ranges=_ranges(span))
        params = {
            "shop": shop,
            "types": sorted(wanted.types),
            "user": wanted.user,
            "limit": limit,
        }
        rows = await self._engine.rows(text, params, PAGE_SETTINGS)
        return _in_order([_stored(shop, row) for row in rows])

    async def accepted(
        self, shop: str, places: Collection[tuple[Partition, Position]]
    ) -> set[tuple[Partition, Position]]:
        """Those of the places right before which there is an accepted event of the shop."""
        params = {
            "shop": shop,
            "topics": [partition.topic for partition, _ in places],
            "epochs": [position.epoch for _, position in places],
            "partitions": [partition.partition for partition, _ in places],
            "offsets": [position.next - 1 for _, position in places],
        }
        rows = await self._engine.rows(load("push/accepted.sql"), params)
        return {_place(row) for row in rows}


def is_kept(at: int, now: float) -> bool:
    """Whether what arrived after `at` is still there at `now` (Unix seconds)."""
    return at >= now - (KEPT_SECONDS - MARGIN_SECONDS)


def next_limit(page: list[StoredEvent], limit: int) -> int:
    """How many events the next page may have, by the size of those of this one."""
    size = sum(stored.size for stored in page)
    average = max(size // len(page), 1) if page else 1
    return max(1, min(LARGEST_PAGE, PAGE_BYTES // average, limit * 4))


def _stored(shop: str, row: Row) -> StoredEvent:
    event = PushEvent(shop, row["type"], row["user_id"], one_line(row["raw"].encode()))
    return StoredEvent(event, *_place(row), int(row["at_ms"]))


def _place(row: Row) -> tuple[Partition, Position]:
    """The position right after the event of a row."""
    position = Position(row["epoch"], int(row["offset"]) + 1)
    return Partition(row["topic"], row["partition"]), position


def _in_order(events: list[StoredEvent]) -> list[StoredEvent]:
    """By arrival, but never against the offsets of a partition: the clock of a broker may go back."""
    latest: dict[Partition, int] = {}
    keyed = []
    for stored in sorted(events, key=lambda one: one.position.next):
        at = latest[stored.partition] = max(latest.get(stored.partition, 0), stored.at_ms)
        keyed.append((at, stored.partition, stored.position.next, stored))
    return [one[-1] for one in sorted(keyed, key=lambda one: one[:-1])]


def _ranges(span: Span) -> str:
    """As a condition of which the primary key makes use: numbers, and names of our own topics."""
    return " OR ".join(
        f"(topic = '{partition.topic}' AND epoch = {end.epoch} AND partition = {partition.partition}"
        f" AND offset >= {span.since[partition].next} AND offset < {end.next})"
        for partition, end in span.until.items()
    )
