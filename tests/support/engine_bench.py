"""An engine, and the statements of a batch one by one: what a worker leaves behind that dies between any two."""

from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest

from clickhouse.client import ClickHouseClient
from clickhouse.windows import MARKERS, WINDOWS
from oracle.book import Book
from oracle.compare import compare_tables
from pipeline.alerts import Alerts
from pipeline.batch import Batch, assemble
from pipeline.decode import Run, decode
from pipeline.fence import Fence
from pipeline.flush import BatchWriter
from pipeline.snowflake import Snowflake
from pipeline.store import Store
from pipeline.topic_specs import TOPIC_SPECS
from shopstream.contracts.cursor import Partition
from support.events import (
    Sent,
    bought,
    item,
    level,
    order,
    payment,
    purchase,
    record,
    settings,
    supplier,
    visit,
)
from support.system import System

PLACE, OTHER = Partition("shop.orders", 0), Partition("shop.orders", 1)
PAIRS = {
    "shop.orders": [
        record(order("s", "o", version=1, items=[item("p", 2, "1.5", name="Tea")])),
        record(order("s", "o", version=2, items=[item("p", 5, "2"), item("q", 1, 1)])),
    ],
    "shop.inventory": [
        record(level("s", "p", 50, version=1)),
        record(level("s", "p", 5, version=2, name="Tea")),
    ],
    "shop.payments": [
        record(payment("s", "pay", version=1)),
        record(payment("s", "pay", failed=True, version=900, amount="7")),
    ],
    "shop.purchases": [
        record(purchase("s", "b", version=1, items=[bought("p", 30), bought("q", 2)])),
        record(purchase("s", "b", received=True, version=2)),
    ],
    "shop.traffic": [
        record(visit("s", "x", "2026-11-22T10:00:00Z")),
        record(visit("s", "x", "2026-11-22T09:00:00Z")),
    ],
    "shop.suppliers": [
        record(supplier("s", "u", "One", version=1)),
        record(supplier("s", "u", "Two", version=2)),
    ],
    "shop.settings": [
        record(settings("s", "Asia/Kathmandu", version=1)),
        record(settings("s", "Europe/Berlin", version=2)),
    ],
}
"""Of each topic something, and what then changes it."""
ADDING = [
    topic for topic in PAIRS if any(w.source == TOPIC_SPECS[topic].table for w in WINDOWS.values())
]
"""Topics that sums are made of: what is applied twice would be counted twice."""


@dataclass
class Record:
    offset: int
    value: bytes | None
    key: bytes | None = None
    timestamp: int = 1_795_700_000_000
    headers: tuple[()] = ()


@dataclass
class Publisher:
    """What was published."""

    events: list[bytes] = field(default_factory=list)

    async def alerts(self, messages: list[tuple[bytes | None, bytes]]) -> None:
        self.events += [value for _, value in messages]


@dataclass
class Bench:
    """An engine with tables of its own, and the book of what was put into batches."""

    system: System
    engine: ClickHouseClient
    store: Store
    publisher: Publisher = field(default_factory=Publisher)
    book: Book = field(default_factory=Book)
    numbers: Snowflake = field(default_factory=Snowflake)
    offset: int = 0

    def __post_init__(self) -> None:
        alerts = Alerts(self.engine, self.publisher, lambda: datetime(2026, 11, 22, 20, tzinfo=UTC))
        self.writer = BatchWriter(self.store, alerts)

    def batch(self, *sent: Sent, partition: int = 0) -> Batch:
        records = [Record(self.offset + n, s.value, s.key) for n, s in enumerate(sent)]
        self.offset += len(records)
        self.book.take_all(sent)
        piece = decode(sent[0].topic, [Run(partition, 1, records)])
        return assemble(self.numbers.next(), [piece])

    async def claim(self, *places: Partition) -> Fence:
        claim = self.numbers.next()
        await self.store.claim(places or (PLACE,), claim)
        return Fence(dict.fromkeys(places or (PLACE,), claim))

    async def own(self, topic: str) -> Fence:
        return await self.claim(Partition(topic, 0))

    async def begin(self, batch: Batch, fence: Fence) -> None:
        """Begun and stored."""
        await self.store.begin(batch)
        orders = batch.topic == "shop.orders"
        equal = not orders or (await self.store.created_at_conflicts(batch)).equal
        await self.store.store(batch, fence, equal)

    async def write(self, batch: Batch, fence: Fence) -> None:
        await self.begin(batch, fence)
        await self.writer.apply(batch.topic, batch.id, fence)
        assert await self.store.mark(batch.id, fence)

    async def apply_without_marker(self, batch: Batch, fence: Fence) -> None:
        """Without a look for the commit marker of an earlier try."""
        table = TOPIC_SPECS[batch.topic].window
        with pytest.MonkeyPatch.context() as patch:
            patch.setitem(MARKERS, table, MARKERS[table]._replace(found="false"))
            await self.store.apply(batch.topic, batch.id, fence)

    def rows(self) -> dict[str, int]:
        return {
            table: int(self.system.sql.rows(f"SELECT count() FROM {rows}")[0][0])
            for table, rows in (
                *((kind.table, kind.table) for kind in TOPIC_SPECS.values()),
                *((window.name, window.rows()) for window in WINDOWS.values()),
            )
        }

    def differences(self) -> list[str]:
        return compare_tables(self.system.sql, self.book)


def first() -> Sent:
    return PAIRS["shop.orders"][0]


def second() -> Sent:
    return PAIRS["shop.orders"][1]
