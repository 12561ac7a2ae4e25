"""Makes answers: asks the engine for what a question needs, everything at once."""

import asyncio
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from functools import partial
from typing import Any, TypeVar

from shopstream.api.faults import NotYet
from shopstream.api.reports import days
from shopstream.api.reports.answer import Content, make
from shopstream.api.reports.kept import Kept, Made
from shopstream.api.reports.lately import Lately
from shopstream.api.reports.names import NameBook
from shopstream.api.reports.profile import Profile, read_profile
from shopstream.api.reports.report import Cut, Facts, Report, report_body
from shopstream.api.reports.statements import Statements
from shopstream.api.reports.stock import Shelf, StockPage, sold_since, stock_body
from shopstream.api.reports.totals import Body
from shopstream.api.standing import Standing
from shopstream.contracts.stock import threshold

ATTEMPTS, PAUSE_SECONDS = 10, 0.03
"""How often a report is read again because the shop's first order was arriving."""
_NEVER = datetime.max.replace(tzinfo=UTC)
T = TypeVar("T")


class Reader:
    """`now` is the present instant (UTC). What is remembered only helps to ask earlier.

    `profiles` are shared by the questions of one moment. A body may be newer than what was known when its
    profile was read, and would then claim more than the profile has: so they are always asked for exactly.
    """

    def __init__(
        self,
        ask: Statements,
        now: Callable[[], datetime],
        profiles: Kept[Profile],
        standing: Callable[[str], Standing],
    ) -> None:
        self._ask = ask
        self._now = now
        self._kept = profiles
        self._names = NameBook(ask, standing)
        self._profiles: Lately[str, Profile] = Lately()

    async def report(self, shop: str, report: Report) -> Made[Content]:
        """A report's body but for `asOf`.

        Raises:
            EngineUnavailable, EngineError: as the engine.
            NotYet: the shop's first order is arriving at this moment.
        """
        for _ in range(ATTEMPTS):
            now = self._now()
            profile, (cut, facts) = await self._with_profile(
                shop, partial(self._facts, shop, report, now)
            )
            # a first order may have its sums a moment before the shop has its currency
            if profile.currency is not None or not facts.sales:
                body = report_body(report, shop, now, profile, cut, facts)
                return make(body, _tomorrow(now, profile))
            self._kept.forget(shop, "profile")
            await asyncio.sleep(PAUSE_SECONDS)
        raise NotYet("The shop's first order is arriving at this moment; ask again.")

    async def stock(self, shop: str, page: StockPage) -> Made[Content]:
        """A page of the levels but for `asOf`.

        Raises:
            EngineUnavailable, EngineError: as the engine.
        """
        now = self._now()
        profile, body = await self._with_profile(shop, partial(self._stock, shop, page, now))
        return make(body, _tomorrow(now, profile))

    async def _with_profile(
        self, shop: str, read: Callable[[Profile], Coroutine[Any, Any, T]]
    ) -> tuple[Profile, T]:
        """What is read with the shop's profile; that of last time is tried while it is asked for."""
        guess = self._profiles.get(shop)
        if guess is None:
            profile = await self._profile(shop)
            return profile, await read(profile)
        profile, found = await asyncio.gather(self._profile(shop), read(guess))
        return profile, found if profile == guess else await read(profile)

    async def _profile(self, shop: str) -> Profile:
        async def ask() -> Made[Profile]:
            return Made(read_profile(await self._ask.profile(shop)), _NEVER, 0)

        profile = (await self._kept.get(shop, "profile", ask, exact=True)).value
        self._profiles.put(shop, profile)
        return profile

    async def _facts(
        self, shop: str, report: Report, now: datetime, profile: Profile
    ) -> tuple[Cut, Facts]:
        cut = report.cut(days.today(now, profile.zone), profile.zone)
        period = profile.currency, cut.start, cut.end
        sales, (top, names), sessions, payments = await asyncio.gather(
            self._ask.sales(shop, cut.marks),
            self._top(shop, report, *period),
            self._sessions(shop, report, cut, profile),
            self._ask.payments(shop, *period) if "payments" in report.needs else _nothing(),
        )
        return cut, Facts(sales, top, names, sessions, payments)

    async def _top(
        self, shop: str, report: Report, currency: str | None, start: datetime, end: datetime
    ) -> Any:
        if "top" not in report.needs:
            return [], {}
        top, known = await asyncio.gather(
            self._ask.top(shop, currency, start, end), self._names.expected(shop, report)
        )
        products = [row["product_id"] for row in top]
        return top, await self._names.of(shop, report, products, known)

    async def _sessions(self, shop: str, report: Report, cut: Cut, profile: Profile) -> int:
        if "sessions" not in report.needs:
            return 0
        dates = days.dates(cut.first, cut.last)
        return await self._ask.sessions(shop, days.marks(dates, cut.last, profile.zone))

    async def _stock(self, shop: str, page: StockPage, now: datetime, profile: Profile) -> Body:
        rows = await self._ask.levels(shop, page, threshold(None, profile.threshold))
        if not rows:
            return stock_body(shop, page, rows, Shelf({}, {}, {}))
        products = list(dict.fromkeys(row["product_id"] for row in rows))
        names, sold, ordered = await asyncio.gather(
            self._names.read(shop, products),
            self._ask.sold(shop, products, *sold_since(now, profile.zone)),
            self._ask.on_order(shop, products),
        )
        shelf = Shelf(
            names,
            {row["product_id"]: row["units"] for row in sold},
            {row["product_id"]: row["units"] for row in ordered},
        )
        return stock_body(shop, page, rows, shelf)


def _tomorrow(now: datetime, profile: Profile) -> datetime:
    """When what is today, and what is over, changes next."""
    return days.first_instant(days.today(now, profile.zone) + days.DAY, profile.zone)


async def _nothing() -> None:
    return None
