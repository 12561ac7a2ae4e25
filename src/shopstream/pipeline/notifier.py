"""Tells each shop that its numbers changed: at most once a second, and never before the reports have them."""

import asyncio
from collections import defaultdict
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import Protocol

import pyarrow as pa

from shopstream.clickhouse.client import Engine, External
from shopstream.clickhouse.errors import EngineUnavailable
from shopstream.clickhouse.sql import load
from shopstream.contracts.notices import Today, report_updated
from shopstream.kafka import BrokerUnreachable
from shopstream.pipeline.retry import Patience
from shopstream.pipeline.store import Dates

EVERY_SECONDS = 1.0
SHOPS_AT_ONCE = 5000
"""Shops whose totals are asked for in one statement."""


class Voice(Protocol):
    """Where notices go."""

    async def notices(self, messages: list[tuple[bytes | None, bytes]], /) -> None: ...


class Notifier:
    """Collects what batches changed; `run` says it. One notice a shop and second from each worker.

    Bounded by the number of shops: dates that were not told yet are one set a shop.
    """

    def __init__(
        self,
        engine: Engine,
        voice: Voice,
        number: Callable[[], int],
        now: Callable[[], datetime],
        patience: Patience,
    ) -> None:
        self._engine = engine
        self._voice = voice
        self._number = number
        self._now = now
        self._patience = patience
        self._dates: dict[str, set[date]] = defaultdict(set)
        self._some = asyncio.Event()

    def changed(self, dates: Dates) -> None:
        """The numbers of these local dates (ISO) have changed in the reports, by shop."""
        for shop, days in dates.items():
            self._dates[shop].update(date.fromisoformat(day) for day in days)
        if dates:
            self._some.set()

    async def run(self) -> None:
        """Says what changed, for ever; a shop's notices are at least `EVERY_SECONDS` apart."""
        while True:
            await self._some.wait()
            self._some.clear()
            shops = list(self._dates)
            for start in range(0, len(shops), SHOPS_AT_ONCE):
                await self._insist(shops[start : start + SHOPS_AT_ONCE])
            await asyncio.sleep(EVERY_SECONDS)

    async def _insist(self, shops: list[str]) -> None:
        while True:
            try:
                await self._tell(shops)
            except (EngineUnavailable, BrokerUnreachable) as error:
                await self._patience.pause(error)
            else:
                self._patience.well()
                return

    async def _tell(self, shops: list[str]) -> None:
        """What changes while this is under way is told the next time."""
        now = self._now()
        dates = {shop: set(self._dates[shop]) for shop in shops}
        today = await self._today(shops, now.date())
        notices: list[tuple[bytes | None, bytes]] = [
            (shop.encode(), report_updated(shop, f"{self._number():x}", now, days, today[shop]))
            for shop, days in dates.items()
        ]
        await self._voice.notices(notices)
        for shop, days in dates.items():
            self._dates[shop] -= days
            if not self._dates[shop]:
                del self._dates[shop]

    async def _today(self, shops: list[str], day: date) -> dict[str, Today]:
        named = {"shops": External("shop_id String", pa.table({"shop_id": shops}))}
        rows = await self._engine.rows(load("flush/today.sql"), {"day": day}, external=named)
        found = {
            row["shop_id"]: Today(day, Decimal(row["revenue"]), row["orders"], row["items"])
            for row in rows
        }
        return {shop: found.get(shop, Today(day, Decimal(0), 0, 0)) for shop in shops}
