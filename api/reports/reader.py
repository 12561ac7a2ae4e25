"""Makes responses: reads what a question needs, everything at once, and hashes the body."""

import asyncio
import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from sys import getsizeof
from typing import NamedTuple, cast

import orjson

from api.faults import NotYet
from api.freshness.source import FreshnessSource
from api.reports import days
from api.reports.cache import BucketCache, Sized, WholeShopCache
from api.reports.days import PARTS_15M, Bucket
from api.reports.names import ProductNames
from api.reports.products import ProductSales
from api.reports.profiles import Profile, Profiles
from api.reports.report import (
    NONE_PAID,
    Body,
    Paid,
    Payments,
    Period,
    Report,
    ReportData,
    report_body,
)
from api.reports.statements import TOO_MUCH, Statements
from api.reports.stock import StockDetails, StockPage, sold_since, stock_body
from api.reports.sums import (
    PartSums,
    SalesSums,
    SessionSums,
    SlotRows,
    part_sums,
    sales_rows,
    total_parts,
)
from api.reports.windows import SALES_15M, WindowReader, WindowRows
from clickhouse.client import Row
from clickhouse.errors import EngineError
from shopstream.contracts.notices import ON_ORDER, PAYMENTS, SALES
from shopstream.contracts.stock import threshold

ATTEMPTS, PAUSE_SECONDS = 10, 0.03
"""How often a report is read again because the shop's first order was arriving."""
PART_BYTES = 250
"""Of one part of totals, roughly."""
PARTS_GAP_SECONDS = 31 * days.DAY_SECONDS
"""What lies so close together is read by one statement."""
UNITS_BYTES = 110
"""Of the units of a product beside its id, roughly."""


class Content(NamedTuple):
    """A body as JSON without `asOf`, and its tag: `asOf` alone is no change."""

    body: bytes
    tag: str


def make(body: Body, until: datetime) -> Sized[Content]:
    """A body as it is cached, until the instant `until` (UTC)."""
    text = orjson.dumps(body)
    tag = f'"{hashlib.blake2b(text, digest_size=16).hexdigest()}"'
    return Sized(Content(text, tag), len(text), until=until)


class Reader:
    """`now` is the present instant (UTC)."""

    def __init__(
        self, statements: Statements, now: Callable[[], datetime], known: FreshnessSource
    ) -> None:
        self._statements = statements
        self._now = now
        self._profiles = Profiles(statements.profile, known)
        self._windows = WindowReader(statements.windows)
        self._sales = SalesSums(self._sales_15m, known, SALES)
        self._paid = SalesSums(statements.payments_15m, known, PAYMENTS)
        self._products = ProductSales(statements, self._windows.rows, known)
        self._session_sums = SessionSums(statements.sessions, known)
        self._part_sums: BucketCache[PartSums] = BucketCache(known, SALES)
        self._names = ProductNames(statements, known)
        self._on_order: WholeShopCache[Mapping[str, Decimal]] = WholeShopCache(
            self._all_ordered, known, ON_ORDER
        )

    async def report(self, shop: str, report: Report) -> Sized[Content]:
        """A report's body but for `asOf`.

        Raises:
            EngineUnavailable, EngineError: as the engine.
            NotYet: the shop's first order is arriving at this moment.
        """
        for _ in range(ATTEMPTS):
            now = self._now()
            profile = await self._profiles.of(shop)
            period, data = await self._data(shop, report, now, profile)
            # a first order may have its sums a moment before the shop has its currency
            if profile.currency is not None or not data.sales:
                body = report_body(report, shop, now, profile, period, data)
                return make(body, _tomorrow(now, profile))
            self._profiles.forget(shop, None)
            await asyncio.sleep(PAUSE_SECONDS)
        raise NotYet("The shop's first order is arriving at this moment; ask again.")

    async def stock(self, shop: str, page: StockPage) -> Sized[Content]:
        """A page of the levels but for `asOf`.

        Raises:
            EngineUnavailable, EngineError: as the engine.
        """
        now = self._now()
        profile = await self._profiles.of(shop)
        while True:
            try:
                body = await self._stock(shop, page, now, profile)
            except EngineError as error:
                if error.code not in TOO_MUCH or page.limit == 1:
                    raise
                page = replace(page, limit=page.limit // 2)
            else:
                return make(body, _tomorrow(now, profile))

    async def _data(
        self, shop: str, report: Report, now: datetime, profile: Profile
    ) -> tuple[Period, ReportData]:
        period = report.period(days.today(now, profile.zone), profile.zone)
        paid_in = profile.currency, period.start, period.end
        # sales, products and parts begin to read in one turn of the loop: their windows are one statement
        sales, top, _, sessions, payments, parts = await asyncio.gather(
            self._sales.sums(shop, _seconds(period.boundaries)),
            self._top(shop, report, *paid_in),
            self._prefetch_names(shop, report, profile.currency),
            self._sessions(shop, report, period, profile),
            self._payments(shop, report, now, *paid_in),
            self._parts(shop, report, *paid_in),
        )
        names = await self._names.of(shop, [row["product_id"] for row in top])
        return period, ReportData(sales, top, names, sessions, payments, *parts)

    async def _sales_15m(self, shop: str, start: int, end: int) -> SlotRows:
        (rows,) = await self._windows.rows(shop, [Bucket(SALES_15M, start, end)])
        return sales_rows(cast(WindowRows, rows))

    async def _top(
        self, shop: str, report: Report, currency: str | None, start: datetime, end: datetime
    ) -> list[Row]:
        if "top" not in report.needs or currency is None:
            return []
        return await self._products.best(shop, currency, start, end)

    async def _prefetch_names(self, shop: str, report: Report, currency: str | None) -> None:
        if "top" in report.needs and currency is not None:
            await self._names.prefetch(shop)

    async def _payments(
        self,
        shop: str,
        report: Report,
        now: datetime,
        currency: str | None,
        start: datetime,
        end: datetime,
    ) -> Payments | None:
        """Of a period that is over any report says when they last changed."""
        if currency is None or ("payments" not in report.needs and now < end):
            return None
        rows = await self._paid.sums(shop, _seconds((start, end)))
        found = {row["currency"]: Paid(row["orders"], row["revenue"]) for row in rows}
        revised = max((row["revised"] for row in rows), default=0)
        received, failed = (found.get(code, NONE_PAID) for code in (currency, currency.lower()))
        return Payments(received, failed, revised)

    async def _parts(
        self, shop: str, report: Report, currency: str | None, start: datetime, end: datetime
    ) -> tuple[Mapping[str, Decimal], int]:
        """Those in the shop's currency, and when any last changed."""
        if "parts" not in report.needs or currency is None or start >= end:
            return {}, 0
        buckets = [one._replace(window=PARTS_15M) for one in days.split_period(start, end)]
        found = await self._part_sums.get(shop, buckets, self._read_parts)
        amounts = total_parts(one.amounts[currency] for one in found if currency in one.amounts)
        return amounts, max(one.revised for one in found)

    async def _read_parts(self, shop: str, buckets: Sequence[Bucket]) -> list[Sized[PartSums]]:
        runs: list[list[Bucket]] = []
        for bucket in buckets:
            if runs and bucket.start - runs[-1][-1].end <= PARTS_GAP_SECONDS:
                runs[-1].append(bucket)
            else:
                runs.append([bucket])
        found = await self._windows.rows(shop, [run[0]._replace(end=run[-1].end) for run in runs])
        return [
            Sized(parts, PART_BYTES * sum(map(len, parts.amounts.values())))
            for run, rows in zip(runs, found, strict=True)
            for bucket in run
            for parts in [part_sums(cast(WindowRows, rows).of(bucket))]
        ]

    async def _sessions(self, shop: str, report: Report, period: Period, profile: Profile) -> int:
        if "sessions" not in report.needs:
            return 0
        dates = days.dates(period.first, period.last)
        return await self._session_sums.total(
            shop, days.boundaries(dates, period.last, profile.zone)
        )

    async def _stock(self, shop: str, page: StockPage, now: datetime, profile: Profile) -> Body:
        rows = await self._statements.levels(shop, page, threshold(None, profile.threshold))
        if not rows:
            return stock_body(shop, page, rows, StockDetails({}, {}, {}))
        products = list(dict.fromkeys(row["product_id"] for row in rows))
        details = await asyncio.gather(
            self._names.of(shop, products, {r["product_id"] for r in rows if r["named"]}),
            self._products.units(shop, products, *sold_since(now, profile.zone)),
            self._ordered(shop, products),
        )
        return stock_body(shop, page, rows, StockDetails(*details))

    async def _ordered(self, shop: str, products: Sequence[str]) -> Mapping[str, Decimal]:
        found = await self._on_order.of(shop)
        if found is None:
            rows = await self._statements.on_order(shop, products)
            found = {row["product_id"]: Decimal(row["units"]) for row in rows}
        return found

    async def _all_ordered(self, shop: str) -> Sized[Mapping[str, Decimal]] | None:
        found = await self._statements.all_on_order(shop)
        if found is None:
            return None
        return Sized(found, sum(UNITS_BYTES + getsizeof(product) for product in found))


def _tomorrow(now: datetime, profile: Profile) -> datetime:
    """When what is today, and what is over, changes next."""
    return days.first_instant(days.today(now, profile.zone) + days.DAY, profile.zone)


def _seconds(instants: Iterable[datetime]) -> list[int]:
    return [int(instant.timestamp()) for instant in instants]
