"""The parameters of the reports, and the questions that they make."""

import re
from collections.abc import Callable
from datetime import date
from typing import Any

from api.faults import BadParameter
from api.freshness.places import read_places
from api.parameters import Parameter
from api.reports.days import EARLIEST, LATEST, read_date
from api.reports.metrics import Metrics
from api.reports.report import Report
from api.reports.sales import DailySales, MonthlySales, WeeklySales
from api.reports.span import DEFAULT_DAYS, MOST_DAYS, Span
from api.reports.stock import BEGIN, DEFAULT_LIMIT, MOST_LEVELS, StockPage, read_cursor
from api.reports.trends import Trends

Query = dict[str, Any]
_WHOLE = re.compile(r"\d{1,4}", re.ASCII)
_DATE_SCHEMA = {"type": "string", "format": "date"}


def whole(low: int, high: int) -> Callable[[str], int]:
    """Reads a whole number in these bounds, both included."""

    def read(text: str) -> int:
        if not _WHOLE.fullmatch(text) or not low <= int(text) <= high:
            raise ValueError(f"must be a whole number from {low} to {high}")
        return int(text)

    return read


def read_flag(text: str) -> bool:
    """`true` or `false`."""
    if text not in ("true", "false"):
        raise ValueError("must be true or false")
    return text == "true"


def _date(name: str, description: str, example: str) -> Parameter:
    return Parameter(name, description, read_date, _DATE_SCHEMA, example)


def _number(name: str, description: str, low: int, high: int, example: int) -> Parameter:
    schema = {"type": "integer", "minimum": low, "maximum": high}
    return Parameter(name, description, whole(low, high), schema, example)


INCLUDES = Parameter(
    "includes",
    "A push cursor, or topic:partition:offset as a producer gets it from Kafka: the answer includes that"
    " record, or is a 503 after 5 s.",
    read_places,
    example="shop.orders:3:41",
)
DATE = _date("date", "A local date of the shop; by default today.", "2026-11-22")
WEEK_START = _date(
    "startDate", "The first of the seven local dates; by default this week's Monday.", "2026-11-16"
)
YEAR = _number("year", "By default the present one.", EARLIEST.year, LATEST.year, 2026)
MONTH = _number("month", "By default the present one.", 1, 12, 11)
DAYS = _number("days", f"Local days, today included; {DEFAULT_DAYS} by default.", 1, MOST_DAYS, 30)
START = _date("startDate", "The first local date, in place of days; needs endDate.", "2026-11-01")
END = _date("endDate", f"The last local date, at most {MOST_DAYS} with the first.", "2026-11-22")
LOW = Parameter(
    "low",
    "Only levels at or below their threshold, or only the others.",
    read_flag,
    {"type": "boolean"},
    True,
)
LIMIT = _number("limit", f"Levels of a page; {DEFAULT_LIMIT} by default.", 1, MOST_LEVELS, 100)
CURSOR = Parameter("cursor", "The next of the page before.", read_cursor, example="WyJwLTEiLCIiXQ")


def daily_sales(query: Query) -> Report:
    """From its parameters."""
    return DailySales(query["date"])


def weekly_sales(query: Query) -> Report:
    """From its parameters."""
    return WeeklySales(query["startDate"])


def monthly_sales(query: Query) -> Report:
    """From its parameters."""
    return MonthlySales(query["year"], query["month"])


def metrics(query: Query) -> Report:
    """From its parameters; `BadParameter` where they do not go together."""
    return Metrics(read_span(query))


def trends(query: Query) -> Report:
    """From its parameters; `BadParameter` where they do not go together."""
    return Trends(read_span(query))


def stock_page(query: Query) -> StockPage:
    """From its parameters."""
    return StockPage(query["low"], query["limit"] or DEFAULT_LIMIT, query["cursor"] or BEGIN)


def read_span(query: Query) -> Span:
    """From `days`, or from `startDate` and `endDate`.

    Raises:
        BadParameter: both, one date without the other, or a period that is empty or too long.
    """
    days: int | None = query["days"]
    first: date | None = query["startDate"]
    last: date | None = query["endDate"]
    if first is None and last is None:
        return Span(days or DEFAULT_DAYS)
    if days is not None:
        raise BadParameter("days", "must not stand beside startDate and endDate")
    if first is None or last is None:
        missing, given = ("startDate", "endDate") if first is None else ("endDate", "startDate")
        raise BadParameter(missing, f"is required with {given}")
    if not 1 <= (last - first).days + 1 <= MOST_DAYS:
        raise BadParameter("endDate", f"must make 1 to {MOST_DAYS} days with startDate")
    return Span(first=first, last=last)
