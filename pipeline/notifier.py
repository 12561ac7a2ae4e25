"""Tells each shop that its numbers changed: at most once a second, and never before the reports have them."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Protocol
from zoneinfo import ZoneInfo

import pyarrow as pa

from clickhouse.client import Engine, External, Row
from clickhouse.errors import EngineUnavailable
from clickhouse.sql import load
from pipeline.retry import Patience
from pipeline.shops import Profile, profiles
from pipeline.store import Slots
from shopstream.broker import BrokerUnreachable
from shopstream.contracts.local_days import DAY, first_instant, local_date
from shopstream.contracts.notices import Today, report_updated

EVERY_SECONDS = 1.0
SHOPS_AT_ONCE = 5000
"""Shops whose totals are asked for in one statement."""


class Voice(Protocol):
    """Where notices go."""

    async def notices(self, messages: list[tuple[bytes | None, bytes]], /) -> object: ...


class Notifier:
    """Collects what batches changed; `run` says it. One notice a shop and second from each worker.

    `say` tells what the worker touched: who hears a notice has heard that before.
    Bounded by shops and quarters of an hour: those that were not told yet are one set a shop.
    """

    def __init__(
        self,
        engine: Engine,
        voice: Voice,
        say: Callable[[], Awaitable[None]],
        number: Callable[[], int],
        now: Callable[[], datetime],
        patience: Patience,
    ) -> None:
        self._engine = engine
        self._voice = voice
        self._say = say
        self._number = number
        self._now = now
        self._patience = patience
        self._slots: dict[str, set[int]] = defaultdict(set)
        self._some = asyncio.Event()

    def changed(self, slots: Slots) -> None:
        """The numbers of these quarters of an hour (Unix seconds) have changed in the reports, by shop."""
        for shop, some in slots.items():
            self._slots[shop].update(some)
        if slots:
            self._some.set()

    async def run(self) -> None:
        """Says what changed, for ever; a shop's notices are at least `EVERY_SECONDS` apart."""
        while True:
            await self._some.wait()
            self._some.clear()
            shops = list(self._slots)
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
        slots = {shop: set(self._slots.pop(shop)) for shop in shops}
        try:
            known = await profiles(self._engine, shops)
            today = await self._today(known, now)
            notices: list[tuple[bytes | None, bytes]] = [
                (
                    shop.encode(),
                    self._notice(shop, now, _dates(some, known[shop].zone), today[shop]),
                )
                for shop, some in slots.items()
            ]
            await self._say()
            await self._voice.notices(notices)
        except BaseException:
            self.changed({shop: list(some) for shop, some in slots.items()})
            raise

    def _notice(self, shop: str, now: datetime, dates: set[date], today: Today) -> bytes:
        return report_updated(shop, f"{self._number():x}", now, dates, today)

    async def _today(self, known: Mapping[str, Profile], now: datetime) -> dict[str, Today]:
        days = {shop: local_date(now, profile.zone) for shop, profile in known.items()}
        rows = await self._engine.rows(
            load("flush/today.sql"), external={"shops_today": _shops_today(known, days)}
        )
        found = {row["shop_id"]: row for row in rows}
        return {shop: _totals(day, found.get(shop)) for shop, day in days.items()}


def _dates(slots: Iterable[int], zone: ZoneInfo) -> set[date]:
    return {datetime.fromtimestamp(slot, zone).date() for slot in slots}


def _totals(day: date, row: Row | None) -> Today:
    if row is None:
        return Today(day, Decimal(0), 0, 0)
    return Today(day, Decimal(row["revenue"]), row["orders"], row["items"])


def _shops_today(known: Mapping[str, Profile], days: Mapping[str, date]) -> External:
    rows = [
        {
            "shop_id": shop,
            "currency": profile.currency,
            "start": first_instant(days[shop], profile.zone),
            "end": first_instant(days[shop] + DAY, profile.zone),
        }
        for shop, profile in known.items()
    ]
    columns = "shop_id String, currency String, start DateTime('UTC'), end DateTime('UTC')"
    return External(columns, pa.Table.from_pylist(rows, _TODAY))


_SECOND = pa.timestamp("s", "UTC")
_TODAY = pa.schema(
    {"shop_id": pa.string(), "currency": pa.string(), "start": _SECOND, "end": _SECOND}
)
