"""Asks the engine for what a report needs, everything at once, from windows alone."""

import asyncio
from collections.abc import Callable, Mapping
from datetime import date, datetime
from functools import partial
from typing import NamedTuple

from shopstream.api.faults import NotYet
from shopstream.api.reports.daily import Body, bounds, daily_sales
from shopstream.api.reports.days import today
from shopstream.api.reports.names import NameBook, Names
from shopstream.api.reports.profile import UTC_ZONE, Profile
from shopstream.api.reports.shared import Shared
from shopstream.clickhouse.client import Engine, Row
from shopstream.clickhouse.sql import load

STATEMENT_SETTINGS: Mapping[str, str | int] = {
    "max_threads": 1,
    "max_execution_time": 5,
    "max_block_size": 8192,
    # the sort key leaves some granules; planning to read them in two steps costs more
    "optimize_move_to_prewhere": 0,
    "output_format_parallel_formatting": 0,
}
"""A report is some small statements at once: threads within one would cost more than they save."""
SHOP_SECONDS = 60.0
"""For a shop's currency, which only its orders change."""
ATTEMPTS, PAUSE_SECONDS = 10, 0.03
"""How often a report is read again because the shop's first order was arriving."""


class _Sums(NamedTuple):
    currency: str | None
    quarters: list[Row]
    top: list[Row]
    names: Names


class Reports:
    """Reports from one engine.

    Args:
        now: the present instant (UTC).
        version: of the numbers, as `Shared` wants it.
    """

    def __init__(
        self, engine: Engine, now: Callable[[], datetime], version: Callable[[], int | None]
    ) -> None:
        self._engine = engine
        self._now = now
        self._answers: Shared[_Sums] = Shared(version)
        self._currencies: Shared[str | None] = Shared(version, SHOP_SECONDS)
        self._names = NameBook(self._rows, version)

    async def daily_sales(self, shop: str, day: date | None) -> Body:
        """The body of the daily report but for `asOf`; `day` None is today in the shop's zone.

        Raises:
            EngineUnavailable, EngineError: as the engine.
            NotYet: the shop's first order is arriving at this moment.
        """
        zone = UTC_ZONE
        for _ in range(ATTEMPTS):
            now = self._now()
            wanted = day or today(now, zone)
            sums = await self._answers.get((shop, wanted), partial(self._read, shop, wanted))
            # a first order may have its sums a moment before the shop has its currency
            if sums.currency is not None or not sums.quarters:
                profile = Profile(sums.currency, zone)
                return daily_sales(shop, wanted, now, profile, sums.quarters, sums.top, sums.names)
            self._answers.forget((shop, wanted))
            self._currencies.forget(shop)
            await asyncio.sleep(PAUSE_SECONDS)
        raise NotYet("The shop's first order is arriving at this moment; ask again.")

    async def _read(self, shop: str, day: date) -> _Sums:
        start, end = bounds(day, UTC_ZONE)
        seconds = {"start": int(start.timestamp()), "end": int(end.timestamp())}
        currency, quarters, top, known = await asyncio.gather(
            self._currencies.get(shop, lambda: self._currency(shop)),
            self._rows("quarters", {"shop": shop, **seconds}),
            self._rows("top_products_day", {"shop": shop, "day": day}),
            self._names.known(shop),
        )
        top = [row for row in top if row["currency"] == currency]
        names = await self._names.of(shop, [row["product_id"] for row in top], known)
        return _Sums(currency, quarters, top, names)

    async def _currency(self, shop: str) -> str | None:
        rows = await self._rows("shop_currency", {"shop": shop})
        return rows[0]["currency"] if rows else None

    async def _rows(self, name: str, params: dict[str, object]) -> list[Row]:
        return await self._engine.rows(load(f"reports/{name}.sql"), params, STATEMENT_SETTINGS)
