"""Which shops a batch may have the earliest order of: few batches do, and `first_orders` is written for those alone."""

import time

import pyarrow as pa
import pyarrow.compute as pc

from clickhouse.client import ClickHouseClient, External
from clickhouse.client import Settings as EngineSettings
from clickhouse.sql import load

SHOPS_KEPT = 20_000
"""Shops whose earliest order a worker remembers."""
EARLIEST_SECONDS = 300.0
"""For so long: the audit may find that an order was not the earliest."""


class EarliestOrders:
    """What this worker remembers of `first_orders`. The earliest order of a shop only ever becomes earlier, but where
    the audit repairs it, so a later one is known not to be it."""

    def __init__(self, engine: ClickHouseClient) -> None:
        self._engine = engine
        self._earliest: dict[str, int] = {}
        """By shop, microseconds: no later than this is the createdAt of its earliest order in `first_orders`."""
        self._until = 0.0

    async def may_have(self, staged: pa.Table, settings: EngineSettings) -> list[str]:
        """Shops of which staged orders may have the earliest one; `settings` of the statement."""
        orders = staged.select(["shop_id", "created_at"])
        by_shop = orders.group_by("shop_id").aggregate([("created_at", "min")])
        times = pc.cast(by_shop["created_at_min"], pa.int64()).to_pylist()
        first = dict(zip(by_shop["shop_id"].to_pylist(), times, strict=True))
        if time.monotonic() >= self._until:
            self._earliest.clear()
            self._until = time.monotonic() + EARLIEST_SECONDS
        if unknown := [shop for shop in first if shop not in self._earliest]:
            if len(self._earliest) + len(unknown) > SHOPS_KEPT:
                self._earliest.clear()
            wanted = {"wanted": External("shop_id String", pa.table({"shop_id": unknown}))}
            text = load("apply/earliest_orders.sql")
            rows = await self._engine.rows(text, None, settings, external=wanted)
            self._earliest |= {row["shop_id"]: row["created_at"] for row in rows}
        found = [shop for shop, at in first.items() if at <= self._earliest.get(shop, at)]
        for shop in found:  # read again, once it is written
            self._earliest.pop(shop, None)
        return found
