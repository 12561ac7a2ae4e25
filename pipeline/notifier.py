"""Notifies each shop that its numbers changed: at most once a second, and never before the reports have them."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal
from functools import partial
from zoneinfo import ZoneInfo

from clickhouse.client import ClickHouseClient, Row
from clickhouse.sql import load
from pipeline.producer import EventPublisher
from pipeline.retry import Backoff
from pipeline.shops import Profile, last_days, profiles
from pipeline.store import Slots
from shopstream.contracts.local_days import local_date
from shopstream.contracts.notices import Today, report_updated

EVERY_SECONDS = 1.0
SHOPS_AT_ONCE = 5000
"""Shops whose totals are asked for in one statement."""


class Notifier:
    """Collects what batches changed; `run` publishes it. One notice a shop and second from each worker.

    `publish_progress` publishes the changed days: an API process has them before a client gets the notice.
    Bounded by shops and 15-minute buckets: those not yet published are one set a shop.
    """

    def __init__(
        self,
        engine: ClickHouseClient,
        publisher: EventPublisher,
        publish_progress: Callable[[], Awaitable[None]],
        next_id: Callable[[], int],
        now: Callable[[], datetime],
        backoff: Backoff,
    ) -> None:
        self._engine = engine
        self._publisher = publisher
        self._publish_progress = publish_progress
        self._next_id = next_id
        self._now = now
        self._backoff = backoff
        self._slots: dict[str, set[int]] = defaultdict(set)
        self._wake = asyncio.Event()

    def changed(self, slots: Slots) -> None:
        """The numbers of these 15-minute buckets (Unix seconds) have changed in the reports, by shop."""
        for shop, some in slots.items():
            self._slots[shop].update(some)
        if slots:
            self._wake.set()

    async def run(self) -> None:
        """Publishes what changed, for ever; a shop's notices are at least `EVERY_SECONDS` apart."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            shops = list(self._slots)
            for start in range(0, len(shops), SHOPS_AT_ONCE):
                await self._backoff.call(
                    partial(self._notify, shops[start : start + SHOPS_AT_ONCE])
                )
            await asyncio.sleep(EVERY_SECONDS)

    async def _notify(self, shops: list[str]) -> None:
        """What changes while this is under way is published the next time."""
        now = self._now()
        slots = {shop: set(self._slots.pop(shop)) for shop in shops}
        try:
            known = await profiles(self._engine, shops)
            today = await self._today(known, now)
            notices: list[tuple[bytes | None, bytes]] = [
                (shop.encode(), self._notice(shop, now, some, known[shop].zone, today[shop]))
                for shop, some in slots.items()
            ]
            await self._publish_progress()
            await self._publisher.notices(notices)
        except BaseException:
            self.changed({shop: list(some) for shop, some in slots.items()})
            raise

    def _notice(
        self, shop: str, now: datetime, slots: Iterable[int], zone: ZoneInfo, today: Today
    ) -> bytes:
        dates = {datetime.fromtimestamp(slot, zone).date() for slot in slots}
        return report_updated(shop, f"{self._next_id():x}", now, dates, today)

    async def _today(self, known: Mapping[str, Profile], now: datetime) -> dict[str, Today]:
        rows = await self._engine.rows(
            load("flush/today.sql"), external={"shops_today": last_days(known, now, days=1)}
        )
        found = {row["shop_id"]: row for row in rows}
        return {
            shop: _totals(local_date(now, profile.zone), found.get(shop))
            for shop, profile in known.items()
        }


def _totals(day: date, row: Row | None) -> Today:
    if row is None:
        return Today(day, Decimal(0), 0, Decimal(0))
    return Today(day, Decimal(row["revenue"]), row["orders"], Decimal(row["items"]))
