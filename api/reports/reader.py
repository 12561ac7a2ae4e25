"""Makes answers: asks the engine for what a question needs, everything at once."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from sys import getsizeof
from typing import Any

from api.faults import NotYet
from api.freshness.standing import Known
from api.reports import days
from api.reports.answer import Content, make
from api.reports.kept import Made
from api.reports.ledger import Ledger
from api.reports.names import NameBook
from api.reports.parts import Sized
from api.reports.products import ProductBook
from api.reports.profile import Profile
from api.reports.profiles import Profiles
from api.reports.report import NONE_PAID, Cut, Facts, Paid, Payments, Report, report_body
from api.reports.sessions import SessionBook
from api.reports.shop_cache import ShopCache
from api.reports.statements import Statements
from api.reports.stock import Shelf, StockPage, sold_since, stock_body
from api.reports.totals import Body
from shopstream.contracts.stock import threshold

ATTEMPTS, PAUSE_SECONDS = 10, 0.03
"""How often a report is read again because the shop's first order was arriving."""
UNITS_BYTES = 110
"""Of the units of a product beside its id, roughly."""


class Reader:
    """`now` is the present instant (UTC)."""

    def __init__(self, ask: Statements, now: Callable[[], datetime], book: Known) -> None:
        self._ask = ask
        self._now = now
        self._profiles = Profiles(ask, book, now)
        self._sales = Ledger(ask.quarters, book)
        self._paid = Ledger(ask.paid_quarters, book)
        self._products = ProductBook(ask, book)
        self._session_book = SessionBook(ask, book)
        self._names = NameBook(ask, book.standing)
        self._on_order: ShopCache[Mapping[str, int]] = ShopCache(self._all_ordered, book.standing)

    async def report(self, shop: str, report: Report) -> Made[Content]:
        """A report's body but for `asOf`.

        Raises:
            EngineUnavailable, EngineError: as the engine.
            NotYet: the shop's first order is arriving at this moment.
        """
        for _ in range(ATTEMPTS):
            now = self._now()
            profile = await self._profiles.of(shop)
            cut, facts = await self._facts(shop, report, now, profile)
            # a first order may have its sums a moment before the shop has its currency
            if profile.currency is not None or not facts.sales:
                body = report_body(report, shop, now, profile, cut, facts)
                return make(body, _tomorrow(now, profile))
            self._profiles.forget(shop)
            await asyncio.sleep(PAUSE_SECONDS)
        raise NotYet("The shop's first order is arriving at this moment; ask again.")

    async def stock(self, shop: str, page: StockPage) -> Made[Content]:
        """A page of the levels but for `asOf`.

        Raises:
            EngineUnavailable, EngineError: as the engine.
        """
        now = self._now()
        profile = await self._profiles.of(shop)
        return make(await self._stock(shop, page, now, profile), _tomorrow(now, profile))

    async def _facts(
        self, shop: str, report: Report, now: datetime, profile: Profile
    ) -> tuple[Cut, Facts]:
        cut = report.cut(days.today(now, profile.zone), profile.zone)
        period = profile.currency, cut.start, cut.end
        sales, (top, names), sessions, payments = await asyncio.gather(
            self._sales.sums(shop, _seconds(cut.marks)),
            self._top(shop, report, *period),
            self._sessions(shop, report, cut, profile),
            self._payments(shop, report, *period),
        )
        return cut, Facts(sales, top, names, sessions, payments)

    async def _top(
        self, shop: str, report: Report, currency: str | None, start: datetime, end: datetime
    ) -> Any:
        if "top" not in report.needs:
            return [], {}
        top, known = await asyncio.gather(
            self._products.best(shop, currency, start, end), self._names.expected(shop, report)
        )
        products = [row["product_id"] for row in top]
        return top, await self._names.of(shop, report, products, known)

    async def _payments(
        self, shop: str, report: Report, currency: str | None, start: datetime, end: datetime
    ) -> Payments | None:
        if "payments" not in report.needs or currency is None:
            return None
        rows = await self._paid.sums(shop, _seconds((start, end)))
        found = {row["currency"]: Paid(row["orders"], row["revenue"]) for row in rows}
        return Payments(found.get(currency, NONE_PAID), found.get(currency.lower(), NONE_PAID))

    async def _sessions(self, shop: str, report: Report, cut: Cut, profile: Profile) -> int:
        if "sessions" not in report.needs:
            return 0
        dates = days.dates(cut.first, cut.last)
        return await self._session_book.sessions(shop, days.marks(dates, cut.last, profile.zone))

    async def _stock(self, shop: str, page: StockPage, now: datetime, profile: Profile) -> Body:
        rows = await self._ask.levels(shop, page, threshold(None, profile.threshold))
        if not rows:
            return stock_body(shop, page, rows, Shelf({}, {}, {}))
        products = list(dict.fromkeys(row["product_id"] for row in rows))
        shelf = await asyncio.gather(
            self._names.read(shop, products, {r["product_id"] for r in rows if r["named"]}),
            self._products.units(shop, products, *sold_since(now, profile.zone)),
            self._ordered(shop, products),
        )
        return stock_body(shop, page, rows, Shelf(*shelf))

    async def _ordered(self, shop: str, products: Sequence[str]) -> Mapping[str, int]:
        found = await self._on_order.of(shop)
        if found is None:
            rows = await self._ask.on_order(shop, products)
            found = {row["product_id"]: row["units"] for row in rows}
        return found

    async def _all_ordered(self, shop: str) -> Sized[Mapping[str, int]] | None:
        found = await self._ask.all_on_order(shop)
        if found is None:
            return None
        return Sized(found, sum(UNITS_BYTES + getsizeof(product) for product in found))


def _tomorrow(now: datetime, profile: Profile) -> datetime:
    """When what is today, and what is over, changes next."""
    return days.first_instant(days.today(now, profile.zone) + days.DAY, profile.zone)


def _seconds(marks: Iterable[datetime]) -> list[int]:
    return [int(mark.timestamp()) for mark in marks]
