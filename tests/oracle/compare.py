"""What the system has, beside what it must have; each difference is a line of text."""

import itertools
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime
from typing import Any

from oracle.book import Book
from oracle.difference import differences, listed, tree_differences
from oracle.letters import compare_letters, place_of
from oracle.names import products
from oracle.report import Reports
from oracle.tables import tables
from support.found import read_tables, stored_names
from support.sql import Sql

__all__ = ["compare_bodies", "compare_letters", "compare_reports", "compare_tables", "place_of"]

ARRIVAL = {"asOf", "revisedAt", "revised"}
"""Members that depend on when records arrived."""
Daily = Callable[[str, date], dict[str, Any]]
Ask = Callable[[str, Mapping[str, str]], dict[str, Any]]
"""Path and query to a body whose numbers are exact."""


def compare_tables(sql: Sql, book: Book, shops: Iterable[str] | None = None) -> list[str]:
    """Every row of every table, of these shops or of all that there are."""
    expected = tables(book)
    chosen = None if shops is None else set(shops)
    found = read_tables(sql, chosen)
    lines: list[str] = []
    for name, sums in expected.sums.items():
        lines += differences(name, _of(sums, chosen), found.sums[name])
    for name, rows in expected.rows.items():
        lines += differences(name, _of(rows, chosen), found.rows[name])
    named = _of(expected.names, chosen)
    known = {product for product in products(book) if chosen is None or product[0] in chosen}
    lines += differences("product_names", named, stored_names(sql, known))
    return listed(lines)


def compare_reports(daily: Daily, book: Book, wanted: Iterable[tuple[str, date]]) -> list[str]:
    """The whole body of each daily report, `asOf` but for its being there."""
    reports, lines = Reports(book), []
    for shop, day in wanted:
        expected = reports.daily_sales(shop, day, datetime.now(UTC))
        lines += _body(f"{shop} {day}", expected, daily(shop, day))
    return listed(lines)


def compare_bodies(
    ask: Ask, book: Book, shop: str, dates: Iterable[date], now: datetime
) -> list[str]:
    """Every report that has to do with each of these dates, and the stock.

    `now` must be on the same local date as the system's clock.
    """
    reports, lines = Reports(book), []
    for path, query, expected in _wanted(reports, shop, sorted(dates), now):
        where = f"{shop} {path} {query}"
        lines += _body(where, expected, ask(path, {"shopId": shop, **query}))
    return listed(lines)


def _wanted(
    reports: Reports, shop: str, dates: list[date], now: datetime
) -> Iterable[tuple[str, dict[str, str], dict[str, Any]]]:
    yield "/reports/daily-sales", {}, reports.daily_sales(shop, None, now)
    yield "/reports/weekly-sales", {}, reports.weekly_sales(shop, None, now)
    yield "/reports/monthly-sales", {}, reports.monthly_sales(shop, None, None, now)
    for days in (1, 30, 366):
        yield "/reports/metrics", {"days": str(days)}, reports.metrics(shop, now, days)
        yield "/reports/trends", {"days": str(days)}, reports.trends(shop, now, days)
    for day in dates:
        text = day.isoformat()
        yield "/reports/daily-sales", {"date": text}, reports.daily_sales(shop, day, now)
        yield "/reports/weekly-sales", {"startDate": text}, reports.weekly_sales(shop, day, now)
    for year, month in sorted({(day.year, day.month) for day in dates}):
        query = {"year": str(year), "month": str(month)}
        yield "/reports/monthly-sales", query, reports.monthly_sales(shop, year, month, now)
    for span in [*zip(dates, dates, strict=True), *itertools.pairwise(dates)]:
        if (span[1] - span[0]).days < 366:
            query = {"startDate": span[0].isoformat(), "endDate": span[1].isoformat()}
            yield "/reports/metrics", query, reports.metrics(shop, now, span)
            yield "/reports/trends", query, reports.trends(shop, now, span)
    yield "/stock", {"limit": "1000"}, reports.stock(shop, now)
    yield "/stock", {"limit": "1000", "low": "true"}, reports.stock(shop, now, low=True)


def _body(where: str, expected: dict[str, Any], found: dict[str, Any]) -> list[str]:
    rest = of_events(found)
    missing = [] if found.get("asOf") else [f"{where}: no asOf"]
    return missing + tree_differences(where, expected, rest)


def of_events(body: Mapping[str, Any]) -> dict[str, Any]:
    """A body without the members that depend on when records arrived."""
    return {name: value for name, value in body.items() if name not in ARRIVAL}


def _of(rows: Mapping[Any, Any], chosen: set[str] | None) -> dict[Any, Any]:
    return {key: row for key, row in rows.items() if chosen is None or key[0] in chosen}
