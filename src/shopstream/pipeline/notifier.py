"""Tells each shop that its numbers changed: at most once a second, and never before the reports have them."""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Protocol

from shopstream.clickhouse.client import Engine
from shopstream.clickhouse.errors import EngineUnavailable
from shopstream.clickhouse.sql import load
from shopstream.contracts.notices import Today, report_updated
from shopstream.kafka import BrokerUnreachable
from shopstream.pipeline.retry import Patience

logger = logging.getLogger(__name__)

EVERY_SECONDS = 1.0
Dates = dict[str, set[date]]


class Changes(Protocol):
    """Local dates (ISO) whose numbers some batches changed, by shop."""

    async def changed(self, batches: list[int], /) -> dict[str, list[str]]: ...


class Voice(Protocol):
    """Where notices go."""

    async def notices(self, messages: list[tuple[bytes | None, bytes]], /) -> None: ...


class Notifier:
    """Collects batches that were applied; `run` asks what they changed and says so.

    Bounded by the number of shops: dates that were not told yet are a set by shop.
    """

    def __init__(
        self,
        engine: Engine,
        changes: Changes,
        voice: Voice,
        number: Callable[[], int],
        patience: Patience,
    ) -> None:
        self._engine = engine
        self._changes = changes
        self._voice = voice
        self._number = number
        self._patience = patience
        self._batches: list[int] = []
        self._some = asyncio.Event()

    def applied(self, batches: Iterable[int]) -> None:
        """These batches are in the reports."""
        self._batches.extend(batches)
        if self._batches:
            self._some.set()

    async def run(self) -> None:
        """Says what changed, for ever; a shop's notices are at least `EVERY_SECONDS` apart."""
        while True:
            await self._some.wait()
            self._some.clear()
            batches, self._batches = self._batches, []
            await self._tell(batches)
            await asyncio.sleep(EVERY_SECONDS)

    async def _tell(self, batches: list[int]) -> None:
        while True:
            try:
                await self._say(await self._dates(batches))
            except (EngineUnavailable, BrokerUnreachable) as error:
                await self._patience.pause(error)
            else:
                self._patience.well()
                return

    async def _dates(self, batches: list[int]) -> Dates:
        found: Dates = defaultdict(set)
        for shop, days in (await self._changes.changed(batches)).items():
            found[shop].update(date.fromisoformat(day) for day in days)
        return found

    async def _say(self, dates: Dates) -> None:
        now = datetime.now(UTC)
        today = await self._today(list(dates), now.date())
        await self._voice.notices(
            [
                (shop.encode(), report_updated(shop, f"{self._number():x}", now, days, today[shop]))
                for shop, days in dates.items()
            ]
        )

    async def _today(self, shops: list[str], day: date) -> dict[str, Today]:
        if not shops:
            return {}
        params: dict[str, Any] = {"shops": shops, "day": day}
        rows = await self._engine.rows(load("flush/today.sql"), params)
        found = {
            row["shop_id"]: Today(day, Decimal(row["revenue"]), row["orders"], row["items"])
            for row in rows
        }
        return {shop: found.get(shop, Today(day, Decimal(0), 0, 0)) for shop in shops}
