"""An engine with the real schema, fed by the pipeline's own statements, without Kafka."""

import asyncio
import itertools
import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from clickhouse.client import Address, ClickHouseClient
from clickhouse.migrations import migrate_engine
from pipeline.alerts import Alerts
from pipeline.batch import Batch, assemble
from pipeline.decode import Run, decode
from pipeline.fence import Fence
from pipeline.snowflake import Snowflake
from pipeline.store import Store
from shopstream.contracts.topics import INVENTORY, ORDERS
from support.engine import ClickHouseServer as ClickHouse
from support.events import TOPICS, Sent
from support.migrated import copy_migrated

NOTHING_CLAIMED = Fence({})
ARRIVED = 1_796_126_400_000
SHOPS = ("s-18", 'it\'s <2> & \\ "two"')
"""With a login each: `bi_1` and `bi_2`."""


class Warehouse:
    """Use as `with Warehouse(folder) as warehouse`. Logins as those of `support.engine.ClickHouseServer`."""

    def __init__(self, folder: Path, shops: tuple[str, ...] = ()) -> None:
        self.engine = ClickHouse(folder, shops)
        self.sql = self.engine.sql()
        self.bi = self.engine.sql("bi")
        self._numbers = Snowflake()
        self._offset = itertools.count()
        self.alerts: list[dict[str, Any]] = []
        """Those that were published."""

    def __enter__(self) -> "Warehouse":
        copy_migrated(self.engine.path)
        self.engine.start()
        self.migrate()
        return self

    def __exit__(self, *_: object) -> None:
        self.engine.child.kill()

    @property
    def address(self) -> Address:
        return Address.parse(self.engine.url())

    def migrate(self) -> None:
        asyncio.run(migrate_engine(self.address))

    def feed(self, records: Iterable[Sent], applied: bool = True) -> None:
        """A batch for each topic; where not `applied`, the windows do not have it yet."""
        asyncio.run(self._feed(list(records), applied))

    async def _feed(self, records: Sequence[Sent], applied: bool) -> None:
        async with ClickHouseClient(self.address) as engine:
            store = Store(engine, "test")
            alerts = Alerts(engine, _Written(self.alerts), lambda: datetime.now(UTC))
            for topic in TOPICS:
                values = [sent.value for sent in records if sent.topic == topic]
                if values:
                    await self._flush(store, alerts, self._batch(topic, values), applied)

    def _batch(self, topic: str, values: Sequence[bytes | None]) -> Batch:
        kept: list[Any] = [
            SimpleNamespace(
                offset=next(self._offset), timestamp=ARRIVED, key=b"", value=value, headers=()
            )
            for value in values
        ]
        return assemble(self._numbers.next(), [decode(topic, [Run(0, 1, kept)])])

    async def _flush(self, store: Store, alerts: Alerts, batch: Batch, applied: bool) -> None:
        if batch.topic == ORDERS:
            conflicts = await store.created_at_conflicts(batch)
            batch = batch.with_first_created_at(conflicts.first)
        await store.store(batch, NOTHING_CLAIMED)
        if applied:
            await store.apply(batch.topic, batch.id, NOTHING_CLAIMED)
            if batch.topic == INVENTORY:
                await alerts.publish(batch.id, again=False)


class _Written:
    """What the topic of alerts would get."""

    def __init__(self, events: list[dict[str, Any]]) -> None:
        self._events = events

    async def alerts(self, messages: list[tuple[bytes | None, bytes]], /) -> None:
        """Keeps them."""
        self._events += [json.loads(value) for _, value in messages]
