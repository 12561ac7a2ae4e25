"""Asks the engine for what a report needs, everything at once, on what is known of the shop."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from datetime import date, datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from shopstream.api.faults import NotYet
from shopstream.api.reports.daily import Body, bounds, daily_sales
from shopstream.api.reports.days import today
from shopstream.api.reports.names import Names, read_names
from shopstream.api.reports.profile import REMEMBERED, Profile, Profiles, read_profile
from shopstream.api.reports.shared import Shared
from shopstream.clickhouse.client import Engine, Row
from shopstream.clickhouse.sql import load

STATEMENT_SETTINGS: Mapping[str, str | int] = {
    "max_threads": 1,
    "max_execution_time": 5,
    "max_block_size": 8192,
    "output_format_parallel_formatting": 0,
}
"""A report is some small statements at once: threads within one would cost more than they save."""
GUESSES = 32
"""Products of a shop whose names are asked for before it is known that they are wanted."""
ATTEMPTS = 5
"""How often a report starts again because the shop's profile changed under it."""


class _Sums(NamedTuple):
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
        self._answers: Shared[tuple[Profile, _Sums]] = Shared(version)
        self._stored: Shared[Profile] = Shared(version)
        self._names: Shared[Names] = Shared(version)
        self._profiles = Profiles()
        self._best: OrderedDict[str, tuple[str, ...]] = OrderedDict()

    async def daily_sales(self, shop: str, day: date | None) -> Body:
        """The body of the daily report but for `asOf`; `day` None is today in the shop's zone.

        Raises:
            EngineUnavailable, EngineError: as the engine.
            NotYet: the shop's profile did not hold still.
        """
        guess = self._profiles.guess(shop)
        for _ in range(ATTEMPTS):
            now = self._now()
            wanted = day or today(now, guess.zone)
            profile, sums = await self._read(shop, wanted, guess)
            self._profiles.learn(shop, profile)
            # a shop whose first order is arriving has sums before it has a currency
            if profile == guess and (profile.currency or not sums.quarters):
                return daily_sales(shop, wanted, now, profile, *sums)
            self._stored.forget(shop)
            self._answers.forget((shop, wanted, guess))
            guess = profile
        raise NotYet("The shop's currency is changing at this moment; ask again.")

    def _read(self, shop: str, day: date, guess: Profile) -> Awaitable[tuple[Profile, _Sums]]:
        async def ask() -> tuple[Profile, _Sums]:
            stored = self._stored.get(shop, lambda: read_profile(self._rows, shop))
            return await asyncio.gather(stored, self._sums(shop, day, guess))

        return self._answers.get((shop, day, guess), ask)

    async def _sums(self, shop: str, day: date, profile: Profile) -> _Sums:
        quarters, (top, names) = await asyncio.gather(
            self._quarters(shop, day, profile.zone), self._top(shop, day, profile.currency)
        )
        return _Sums(quarters, top, names)

    async def _quarters(self, shop: str, day: date, zone: ZoneInfo) -> list[Row]:
        start, end = bounds(day, zone)
        seconds = {"start": int(start.timestamp()), "end": int(end.timestamp())}
        return await self._rows("quarters", {"shop": shop, **seconds})

    async def _top(self, shop: str, day: date, currency: str | None) -> tuple[list[Row], Names]:
        if currency is None:
            return [], {}
        guess = self._best.get(shop, ())
        params = {"shop": shop, "day": day, "currency": currency}
        top, names = await asyncio.gather(
            self._rows("top_products_day", params),
            self._names.get((shop, guess), lambda: read_names(self._rows, shop, guess)),
        )
        missing = [row["product_id"] for row in top if row["product_id"] not in guess]
        if missing:
            names = names | await read_names(self._rows, shop, missing)
            self._remember(shop, (*missing, *guess)[:GUESSES])
        return top, names

    def _remember(self, shop: str, products: tuple[str, ...]) -> None:
        self._best[shop] = products
        self._best.move_to_end(shop)
        if len(self._best) > REMEMBERED:
            self._best.popitem(last=False)

    async def _rows(self, name: str, params: dict[str, object]) -> list[Row]:
        return await self._engine.rows(load(f"reports/{name}.sql"), params, STATEMENT_SETTINGS)
